import { machineFacts } from "../node/machine.ts";
import type { Handler, Route } from "../server/http.ts";
import { sendJson, sendText } from "../server/http.ts";
import type { ServerSource } from "../server/source.ts";
import { StatsCollector } from "./collect.ts";
import { cadvisorMetrics, resourceMetrics } from "./exposition.ts";
import { summary } from "./summary.ts";

const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/** What the node and its pods use, in the forms that others ask for. */
export function statsRoutes(source: ServerSource): Route[] {
  const collector = new StatsCollector(source);
  const machine = machineFacts(source.services.paths.root);
  const measured =
    (
      show: (
        node: Awaited<ReturnType<StatsCollector["node"]>>,
        pods: Awaited<ReturnType<StatsCollector["pods"]>>,
      ) => string,
    ): Handler =>
    async (_, response) => {
      const [node, pods] = await Promise.all([collector.node(), collector.pods()]);
      sendText(response, 200, show(node, pods), PROMETHEUS);
    };
  const summarize: Handler = async (_, response) => {
    const [node, pods] = await Promise.all([collector.node(), collector.pods()]);
    sendJson(response, summary(source.services.node.name, node, pods));
  };
  return [
    { pattern: "/stats/summary", handle: summarize },
    { pattern: "/stats/summary/", handle: summarize },
    {
      pattern: "/metrics",
      handle: async (_, response) => sendText(response, 200, source.metrics.expose(), PROMETHEUS),
    },
    { pattern: "/metrics/resource", handle: measured(resourceMetrics) },
    { pattern: "/metrics/cadvisor", handle: measured((node, pods) => cadvisorMetrics(node, pods, machine)) },
    { pattern: "/metrics/probes", handle: async (_, response) => sendText(response, 200, "", PROMETHEUS) },
  ];
}
