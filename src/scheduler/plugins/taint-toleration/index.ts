import type { corev1 } from "../../../api/index.ts";
import { countUntoleratedSoft, untoleratedTaint } from "../../cache/tolerations.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { normalizeByMax } from "../normalize.ts";

const REFUSAL = unresolvable("node(s) had untolerated taint(s)");
const UNKNOWN = -1;

/** Keeps pods off nodes with taints they do not tolerate, and prefers nodes with few taints they would rather avoid. */
export function taintToleration(): SchedulerPlugin {
  return {
    name: Names.TaintToleration,
    events: () => [
      {
        event: { resource: "Node", action: Action.Add | Action.UpdateNodeTaint },
        hint: ({ spec }, before, after) => {
          const kept = (node: unknown): boolean =>
            untoleratedTaint((node as corev1.Node).spec?.taints, spec.tolerations) === undefined;
          return kept(after) && (before === undefined || !kept(before)) ? "Queue" : "QueueSkip";
        },
      },
      {
        event: { resource: "Pod", action: Action.UpdatePodToleration },
        hint: (pod, _, after) => ((after as corev1.Pod).metadata.uid === pod.metadata.uid ? "Queue" : "QueueSkip"),
      },
    ],
    preFilter: ({ nodes }) => (nodes.taints.hardNodes === 0 ? { status: SKIP } : undefined),
    filterNodes: (cycle, slots, count, verdicts) => {
      const { taintSet, taints } = cycle.nodes;
      const { tolerations } = cycle.pod.spec;
      const refusedSets = perSet(taints.size, (id) => (untoleratedTaint(taints.list(id), tolerations) ? 1 : 0));
      const id = cycle.rejection(REFUSAL);
      let refused = 0;
      for (let i = 0; i < count; i++) {
        const slot = slots[i] as number;
        const set = taintSet[slot] as number;
        if (set === 0 || refusedSets(set) === 0) continue;
        verdicts[slot] = id;
        refused++;
      }
      return refused;
    },
    // Without such taints all nodes are equally good.
    preScore: ({ nodes }) => (nodes.taints.softNodes === 0 ? SKIP : undefined),
    scoreNodes: (cycle, slots, count, scores) => {
      const { taintSet, taints } = cycle.nodes;
      const tolerations = cycle.pod.spec.tolerations?.filter((t) => !t.effect || t.effect === "PreferNoSchedule");
      const countOf = perSet(taints.size, (id) => countUntoleratedSoft(taints.list(id), tolerations));
      for (let i = 0; i < count; i++) {
        const set = taintSet[slots[i] as number] as number;
        scores[i] = set === 0 ? 0 : countOf(set);
      }
    },
    normalizeScores: (_, __, count, scores) => normalizeByMax(scores, count, true),
  };
}

/** Works out an answer once a taint list. */
function perSet(size: number, answer: (id: number) => number): (id: number) => number {
  const known = new Int32Array(size).fill(UNKNOWN);
  return (id) => {
    if (known[id] === UNKNOWN) known[id] = answer(id);
    return known[id] as number;
  };
}
