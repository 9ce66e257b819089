import type { corev1 } from "../../../api/index.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulerPlugin } from "../../framework/plugin.ts";
import { unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";

/** Keeps pods out of the queue until their scheduling gates are removed. */
export function schedulingGates(): SchedulerPlugin {
  return {
    name: Names.SchedulingGates,
    preEnqueue: ({ pod }) => {
      const gates = pod.spec.schedulingGates;
      if (!gates?.length) return undefined;
      return unresolvable(`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(" ")}]`);
    },
    events: () => [
      {
        event: { resource: "Pod", action: Action.UpdatePodSchedulingGatesEliminated },
        hint: (pod, _, after) => ((after as corev1.Pod).metadata.uid === pod.metadata.uid ? "Queue" : "QueueSkip"),
      },
    ],
  };
}
