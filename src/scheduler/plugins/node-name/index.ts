import { Action } from "../../framework/cluster-event.ts";
import type { SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";

const REASON = "node(s) didn't match the requested node name";

/** A pod that names its node goes there or nowhere. */
export function nodeName(): SchedulerPlugin {
  return {
    name: Names.NodeName,
    events: () => [{ event: { resource: "Node", action: Action.Add } }],
    preFilter: (cycle) => (cycle.pod.spec.nodeName ? undefined : { status: SKIP }),
    filter: (cycle, node) => {
      const wanted = cycle.pod.spec.nodeName;
      return wanted && wanted !== node.name ? unresolvable(REASON) : undefined;
    },
  };
}
