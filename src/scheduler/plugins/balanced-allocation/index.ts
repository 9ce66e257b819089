import { MAX_NODE_SCORE, type SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { type ResourceWeight, type ScoredResource, scoredResources } from "../node-resources-fit/scoring.ts";

/** Prefers nodes of which the resources would be used to the same degree. */
export function balancedAllocation(args: { readonly resources: readonly ResourceWeight[] }): SchedulerPlugin {
  return {
    name: Names.NodeResourcesBalancedAllocation,
    // A pod that asks for nothing changes no balance.
    preScore: ({ info, nodes }) =>
      args.resources.some(({ name }) => (info.requests.get(nodes.resources.idOf(name) ?? -1) ?? 0) > 0)
        ? undefined
        : SKIP,
    scoreNodes: (cycle, slots, count, scores) => {
      const resources = scoredResources(cycle, args.resources, "asRequested");
      const [first, second] = resources;
      if (resources.length === 2 && first && second) return scorePair(first, second, slots, count, scores);
      for (let i = 0; i < count; i++) scores[i] = balance(fractions(resources, slots[i] as number));
    },
  };
}

/** Two resources, as is the rule, without any allocation. */
function scorePair(a: ScoredResource, b: ScoredResource, slots: Int32Array, count: number, scores: Float64Array): void {
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    const hasA = a.allocatable[slot] as number;
    const hasB = b.allocatable[slot] as number;
    if (hasA === 0 || hasB === 0) {
      scores[i] = MAX_NODE_SCORE;
      continue;
    }
    const usedA = ((a.taken[slot] as number) + a.request) / hasA;
    const usedB = ((b.taken[slot] as number) + b.request) / hasB;
    const deviation = Math.abs(((usedA > 1 ? 1 : usedA) - (usedB > 1 ? 1 : usedB)) / 2);
    scores[i] = Math.trunc((1 - deviation) * MAX_NODE_SCORE);
  }
}

function fractions(resources: readonly ScoredResource[], slot: number): number[] {
  return resources.flatMap(({ allocatable, taken, request }) => {
    const has = allocatable[slot] as number;
    return has === 0 ? [] : Math.min(1, ((taken[slot] as number) + request) / has);
  });
}

/** 100 less the standard deviation. */
function balance(used: readonly number[]): number {
  if (used.length < 2) return MAX_NODE_SCORE;
  if (used.length === 2)
    return Math.trunc((1 - Math.abs(((used[0] as number) - (used[1] as number)) / 2)) * MAX_NODE_SCORE);
  const mean = used.reduce((sum, x) => sum + x, 0) / used.length;
  const variance = used.reduce((sum, x) => sum + (x - mean) ** 2, 0) / used.length;
  return Math.trunc((1 - Math.sqrt(variance)) * MAX_NODE_SCORE);
}
