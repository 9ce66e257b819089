import { hasPodLevelRequests, NON_ZERO, podRequests } from "../../cache/pod-requests.ts";
import { CPU, MEMORY } from "../../cache/resource-amounts.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";

export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** One resource as the scorers see it: what nodes have, what is taken, and what the pod would add. */
export interface ScoredResource {
  readonly weight: number;
  readonly allocatable: Float64Array;
  readonly taken: Float64Array;
  readonly request: number;
}

/** Scores the first `count` of `slots` from 0 to 100. */
export type AllocationScore = (
  resources: readonly ScoredResource[],
  nodes: { readonly slots: Int32Array; readonly count: number; readonly scores: Float64Array },
) => void;

/**
 * Scores nodes by how much of some resources is taken once the pod is there. With `nonZero`, containers without cpu or memory requests count
 * as asking for a little. Resources beyond the common three count only for pods that ask for them.
 */
export function scoreAllocation(
  cycle: SchedulingCycle,
  weights: readonly ResourceWeight[],
  mode: "nonZero" | "asRequested",
  score: AllocationScore,
  nodes: Parameters<AllocationScore>[1],
): void {
  score(scoredResources(cycle, weights, mode), nodes);
}

/** The columns behind {@link scoreAllocation}. */
export function scoredResources(
  { info, nodes }: SchedulingCycle,
  weights: readonly ResourceWeight[],
  mode: "nonZero" | "asRequested",
): ScoredResource[] {
  let [cpu, memory] = [info.nonZeroCpu, info.nonZeroMemory];
  if (mode === "nonZero" && hasPodLevelRequests(info.pod)) {
    const filled = podRequests(info.pod, nodes.resources, { useStatus: true, missing: NON_ZERO });
    [cpu, memory] = [filled.get(CPU) ?? 0, filled.get(MEMORY) ?? 0];
  }
  return weights.flatMap(({ name, weight }) => {
    const id = nodes.resources.idOf(name);
    if (id === undefined) return [];
    const allocatable = nodes.allocatable(id);
    if (mode === "nonZero" && id === CPU) return { weight, allocatable, taken: nodes.nonZeroCpu, request: cpu };
    if (mode === "nonZero" && id === MEMORY)
      return { weight, allocatable, taken: nodes.nonZeroMemory, request: memory };
    const request = info.requests.get(id) ?? 0;
    const optional = name !== "cpu" && name !== "memory" && name !== "ephemeral-storage";
    return optional && request === 0 ? [] : { weight, allocatable, taken: nodes.requested(id), request };
  });
}
