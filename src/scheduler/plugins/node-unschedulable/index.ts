import type { corev1 } from "../../../api/index.ts";
import { tolerates, UNSCHEDULABLE_TAINT } from "../../cache/tolerations.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";

const REFUSAL = unresolvable("node(s) were unschedulable");

/** Cordoned nodes take only pods that tolerate it. */
export function nodeUnschedulable(): SchedulerPlugin {
  return {
    name: Names.NodeUnschedulable,
    events: () => [
      {
        event: { resource: "Node", action: Action.Add | Action.UpdateNodeTaint },
        hint: (_, before, after) => {
          const [old, now] = [before as corev1.Node | undefined, after as corev1.Node];
          return !now.spec?.unschedulable && (!old || old.spec?.unschedulable) ? "Queue" : "QueueSkip";
        },
      },
      {
        event: { resource: "Pod", action: Action.UpdatePodToleration },
        hint: (pod, _, after) => {
          const { metadata, spec } = after as corev1.Pod;
          const own = metadata.uid === pod.metadata.uid;
          return own && tolerates(spec.tolerations, UNSCHEDULABLE_TAINT) ? "Queue" : "QueueSkip";
        },
      },
    ],
    preFilter: ({ nodes, pod }) =>
      nodes.unschedulableCount === 0 || tolerates(pod.spec.tolerations, UNSCHEDULABLE_TAINT)
        ? { status: SKIP }
        : undefined,
    filterNodes: (cycle, slots, count, verdicts) => {
      const { unschedulable } = cycle.nodes;
      const id = cycle.rejection(REFUSAL);
      let refused = 0;
      for (let i = 0; i < count; i++) {
        const slot = slots[i] as number;
        if (unschedulable[slot] === 0) continue;
        verdicts[slot] = id;
        refused++;
      }
      return refused;
    },
  };
}
