import type { Metrics } from "../../kit/index.ts";
import type { PathHandler } from "../chain/chain.ts";

/** `/metrics`, in the Prometheus text format. */
export function metricsHandler(metrics: Metrics): PathHandler {
  return ({ info }) => {
    if (info.path !== "/metrics") return undefined;
    const contentType = "text/plain; version=0.0.4; charset=utf-8";
    return { type: "raw", status: 200, contentType, body: metrics.expose() };
  };
}
