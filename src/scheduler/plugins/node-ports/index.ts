import type { corev1 } from "../../../api/index.ts";
import { hostPortsOf, portsConflict } from "../../cache/host-ports.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, unschedulable } from "../../framework/status.ts";
import { Names } from "../names.ts";

const REFUSAL = unschedulable("node(s) didn't have free ports for the requested pod ports");

/** Keeps pods off nodes whose ports they want and others have. */
export function nodePorts(): SchedulerPlugin {
  return {
    name: Names.NodePorts,
    events: () => [
      {
        event: { resource: "Pod", action: Action.Delete },
        hint: (pod, before) => {
          const gone = before as corev1.Pod;
          if (!gone.spec.nodeName && !gone.status?.nominatedNodeName) return "QueueSkip";
          const [wanted, freed] = [hostPortsOf(pod), hostPortsOf(gone)];
          return wanted.some((a) => freed.some((b) => portsConflict(a, b))) ? "Queue" : "QueueSkip";
        },
      },
      { event: { resource: "Node", action: Action.Add } },
    ],
    preFilter: ({ info }) => (info.ports.length === 0 ? { status: SKIP } : undefined),
    filterNodes: (cycle, slots, count, verdicts) => {
      const { nodes, info } = cycle;
      if (!nodes.hasPorts) return 0;
      const id = cycle.rejection(REFUSAL);
      let refused = 0;
      for (let i = 0; i < count; i++) {
        const slot = slots[i] as number;
        const used = nodes.ports(slot);
        if (!used || !info.ports.some((port) => used.conflicts(port))) continue;
        verdicts[slot] = id;
        refused++;
      }
      return refused;
    },
  };
}
