import type { NodeColumns } from "../../cache/node-columns.ts";
import { hasPodLevelRequests, NON_ZERO, podRequests } from "../../cache/pod-requests.ts";
import { CPU, MEMORY } from "../../cache/resource-amounts.ts";
import { SlotValues } from "../../cache/slot-values.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";

export interface ResourceWeight {
  readonly name: string;
  readonly weight: number;
}

/** One resource as the scorers see it: what nodes have, what is taken, and what the pod would add. */
export interface ScoredResource {
  readonly name: string;
  readonly weight: number;
  readonly allocatable: Float64Array;
  readonly taken: Float64Array;
  readonly request: number;
}

/** Scores one node from 0 to 100. */
export type AllocationScore = (resources: readonly ScoredResource[], slot: number) => number;

/** With `nonZero`, containers without cpu or memory requests count as asking for a little. */
export type CountMode = "nonZero" | "asRequested";

const REMEMBERED = 32;

/** Scores nodes by how much of some resources is taken once the pod is there. */
export class AllocationScorer {
  readonly #weights: readonly ResourceWeight[];
  readonly #mode: CountMode;
  readonly #score: AllocationScore;
  #values: { readonly nodes: NodeColumns; readonly bySlot: SlotValues } | undefined;

  constructor(weights: readonly ResourceWeight[], mode: CountMode, score: AllocationScore) {
    this.#weights = weights;
    this.#mode = mode;
    this.#score = score;
  }

  scoreNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void {
    const resources = scoredResources(cycle, this.#weights, this.#mode);
    const key = resources.map(({ name, request }) => `${name}=${request}`).join(",");
    const score = this.#score;
    const values = this.#valuesOf(cycle.nodes).get(key, count, (slot) => score(resources, slot));
    if (values) for (let i = 0; i < count; i++) scores[i] = values[slots[i] as number] as number;
    else for (let i = 0; i < count; i++) scores[i] = score(resources, slots[i] as number);
  }

  #valuesOf(nodes: NodeColumns): SlotValues {
    if (this.#values?.nodes !== nodes) this.#values = { nodes, bySlot: new SlotValues(nodes, REMEMBERED) };
    return this.#values.bySlot;
  }
}

/** The columns of what is scored. Resources beyond the common three count only for pods that ask for them. */
export function scoredResources(
  { info, nodes }: SchedulingCycle,
  weights: readonly ResourceWeight[],
  mode: CountMode,
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
    if (mode === "nonZero" && id === CPU) return { name, weight, allocatable, taken: nodes.nonZeroCpu, request: cpu };
    if (mode === "nonZero" && id === MEMORY) {
      return { name, weight, allocatable, taken: nodes.nonZeroMemory, request: memory };
    }
    const request = info.requests.get(id) ?? 0;
    const optional = name !== "cpu" && name !== "memory" && name !== "ephemeral-storage";
    return optional && request === 0 ? [] : { name, weight, allocatable, taken: nodes.requested(id), request };
  });
}
