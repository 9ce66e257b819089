import type { Route } from "./http.ts";
import { sendJson, sendText } from "./http.ts";
import { logHandler } from "./log-handler.ts";
import { type ServerSource, currentPod } from "./source.ts";
import { attachHandler, execHandler, portForwardHandler, runHandler, upgradeRequired } from "./stream-handlers.ts";
import { statsRoutes } from "../stats/routes.ts";

/** The kubelet's paths. With `debugging` off those that run commands or show logs are not there. */
export function kubeletRoutes(source: ServerSource, debugging: boolean): readonly Route[] {
  const pods = (): object => ({
    kind: "PodList",
    apiVersion: "v1",
    metadata: {},
    items: source.manager.pods().map((pod) => currentPod(pod, source)),
  });
  const ok: Route["handle"] = async (_, response) => sendText(response, 200, "ok");
  const base: Route[] = [
    { pattern: "/healthz", handle: ok },
    { pattern: "/healthz/ping", handle: ok },
    { pattern: "/healthz/log", handle: ok },
    { pattern: "/healthz/syncloop", handle: ok },
    { pattern: "/pods", handle: async (_, response) => sendJson(response, pods()) },
    { pattern: "/pods/", handle: async (_, response) => sendJson(response, pods()) },
    { pattern: "/runningpods/", handle: async (_, response) => sendJson(response, pods()) },
    ...statsRoutes(source),
  ];
  if (!debugging) return base;
  const [exec, attach, forward] = [execHandler(source), attachHandler(source), portForwardHandler(source)];
  return [
    ...base,
    { pattern: "/containerLogs/:namespace/:pod/:container", handle: logHandler(source) },
    { pattern: "/exec/:namespace/:pod/:container", handle: upgradeRequired, upgrade: exec },
    { pattern: "/exec/:namespace/:pod/:uid/:container", handle: upgradeRequired, upgrade: exec },
    { pattern: "/attach/:namespace/:pod/:container", handle: upgradeRequired, upgrade: attach },
    { pattern: "/attach/:namespace/:pod/:uid/:container", handle: upgradeRequired, upgrade: attach },
    { pattern: "/portForward/:namespace/:pod", handle: upgradeRequired, upgrade: forward },
    { pattern: "/portForward/:namespace/:pod/:uid", handle: upgradeRequired, upgrade: forward },
    { pattern: "/run/:namespace/:pod/:container", handle: runHandler(source) },
    { pattern: "/run/:namespace/:pod/:uid/:container", handle: runHandler(source) },
  ];
}
