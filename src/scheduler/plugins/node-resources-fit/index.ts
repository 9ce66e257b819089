import type { corev1 } from "../../../api/index.ts";
import { isExtended, ResourceReader } from "../../cache/resource-amounts.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { SchedulerPlugin } from "../../framework/plugin.ts";
import type { Status } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { afterNodeEvent, afterPodEvent } from "./hints.ts";
import { type AllocationScore, type ResourceWeight, scoreAllocation } from "./scoring.ts";
import { leastAllocated, mostAllocated, requestedToCapacityRatio, type ShapePoint } from "./strategies.ts";

/** As configuration has it, defaults filled in. */
export interface NodeResourcesFitArgs {
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy: {
    readonly type: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
    readonly resources: readonly ResourceWeight[];
    readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] };
  };
}

/** A request that counts. */
interface Demand {
  readonly name: string;
  readonly amount: number;
  readonly allocatable: Float64Array;
  readonly requested: Float64Array;
}

const TOO_MANY_PODS = 1;

/** Whether a node has what the pod asks for, and how well that leaves it. */
export class NodeResourcesFit implements SchedulerPlugin {
  readonly name = Names.NodeResourcesFit;
  readonly #ignored: ReadonlySet<string>;
  readonly #ignoredGroups: ReadonlySet<string>;
  readonly #resources: readonly ResourceWeight[];
  readonly #score: AllocationScore;
  readonly #reader = new ResourceReader();

  constructor({ ignoredResources, ignoredResourceGroups, scoringStrategy }: NodeResourcesFitArgs) {
    this.#ignored = new Set(ignoredResources);
    this.#ignoredGroups = new Set(ignoredResourceGroups);
    this.#resources = scoringStrategy.resources;
    this.#score = {
      LeastAllocated: () => leastAllocated,
      MostAllocated: () => mostAllocated,
      RequestedToCapacityRatio: () => requestedToCapacityRatio(scoringStrategy.requestedToCapacityRatio?.shape ?? []),
    }[scoringStrategy.type]();
  }

  events(): ReturnType<NonNullable<SchedulerPlugin["events"]>> {
    return [
      {
        event: { resource: "Pod", action: Action.Delete | Action.UpdatePodScaleDown },
        hint: (pod, before, after) =>
          afterPodEvent(this.#reader, pod, before as corev1.Pod, after as corev1.Pod | undefined),
      },
      {
        event: { resource: "Node", action: Action.Add | Action.UpdateNodeAllocatable },
        hint: (pod, before, after) =>
          afterNodeEvent(this.#reader, pod, before as corev1.Node | undefined, after as corev1.Node),
      },
    ];
  }

  filterNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, verdicts: Int32Array): number {
    const { podCount, podsAllowed } = cycle.nodes;
    const demands = this.#demands(cycle);
    const ids = new Map<number, number>();
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      let lacks = (podCount[slot] as number) + 1 > (podsAllowed[slot] as number) ? TOO_MANY_PODS : 0;
      for (let d = 0; d < demands.length; d++) {
        const { amount, allocatable, requested } = demands[d] as Demand;
        if (amount > (allocatable[slot] as number) - (requested[slot] as number)) lacks |= TOO_MANY_PODS << (d + 1);
      }
      if (lacks === 0) continue;
      const never = demands.some((demand) => demand.amount > (demand.allocatable[slot] as number));
      const key = never ? -lacks : lacks;
      let id = ids.get(key);
      if (id === undefined) ids.set(key, (id = cycle.rejection(refusal(lacks, never, demands))));
      verdicts[slot] = id;
      refused++;
    }
    return refused;
  }

  scoreNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void {
    scoreAllocation(cycle, this.#resources, "nonZero", this.#score, { slots, count, scores });
  }

  #demands({ info, nodes }: SchedulingCycle): Demand[] {
    const demands: Demand[] = [];
    for (const [id, amount] of [...info.requests].toSorted(([a], [b]) => a - b)) {
      const name = nodes.resources.names.name(id);
      if (amount === 0 || this.#ignores(name)) continue;
      demands.push({ name, amount, allocatable: nodes.allocatable(id), requested: nodes.requested(id) });
    }
    return demands;
  }

  #ignores(name: string): boolean {
    if (!isExtended(name)) return false;
    return this.#ignored.has(name) || this.#ignoredGroups.has(name.slice(0, name.indexOf("/")));
  }
}

function refusal(lacks: number, never: boolean, demands: readonly Demand[]): Status {
  const reasons = demands.filter((_, d) => (lacks & (TOO_MANY_PODS << (d + 1))) !== 0);
  return {
    code: never ? "UnschedulableAndUnresolvable" : "Unschedulable",
    reasons: [
      ...((lacks & TOO_MANY_PODS) !== 0 ? ["Too many pods"] : []),
      ...reasons.map(({ name }) => `Insufficient ${name}`),
    ],
  };
}
