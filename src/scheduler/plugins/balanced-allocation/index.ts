import { MAX_NODE_SCORE, type SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { AllocationScorer, type ResourceWeight, type ScoredResource } from "../node-resources-fit/scoring.ts";

/** Prefers nodes of which the resources would be used to the same degree. */
export function balancedAllocation(args: { readonly resources: readonly ResourceWeight[] }): SchedulerPlugin {
  const scorer = new AllocationScorer(args.resources, "asRequested", balance);
  return {
    name: Names.NodeResourcesBalancedAllocation,
    // A pod that asks for nothing changes no balance.
    preScore: ({ info, nodes }) =>
      args.resources.some(({ name }) => (info.requests.get(nodes.resources.idOf(name) ?? -1) ?? 0) > 0)
        ? undefined
        : SKIP,
    scoreNodes: (cycle, slots, count, scores) => scorer.scoreNodes(cycle, slots, count, scores),
  };
}

/** 100 less the standard deviation of the shares used. */
function balance(resources: readonly ScoredResource[], slot: number): number {
  const used = resources.flatMap(({ allocatable, taken, request }) => {
    const has = allocatable[slot] as number;
    return has === 0 ? [] : Math.min(1, ((taken[slot] as number) + request) / has);
  });
  if (used.length < 2) return MAX_NODE_SCORE;
  if (used.length === 2) {
    const deviation = Math.abs(((used[0] as number) - (used[1] as number)) / 2);
    return Math.trunc((1 - deviation) * MAX_NODE_SCORE);
  }
  const mean = used.reduce((sum, x) => sum + x, 0) / used.length;
  const variance = used.reduce((sum, x) => sum + (x - mean) ** 2, 0) / used.length;
  return Math.trunc((1 - Math.sqrt(variance)) * MAX_NODE_SCORE);
}
