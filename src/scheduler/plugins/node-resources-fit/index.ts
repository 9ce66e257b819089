import type { corev1 } from "../../../api/index.ts";
import type { NodeColumns } from "../../cache/node-columns.ts";
import { isExtended, ResourceReader } from "../../cache/resource-amounts.ts";
import { SlotValues } from "../../cache/slot-values.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { SchedulerPlugin } from "../../framework/plugin.ts";
import type { Status } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { afterNodeEvent, afterPodEvent } from "./hints.ts";
import { AllocationScorer, type ResourceWeight } from "./scoring.ts";
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
const REMEMBERED = 32;

/** Whether a node has what the pod asks for, and how well that leaves it. */
export class NodeResourcesFit implements SchedulerPlugin {
  readonly name = Names.NodeResourcesFit;
  readonly #ignored: ReadonlySet<string>;
  readonly #ignoredGroups: ReadonlySet<string>;
  readonly #scorer: AllocationScorer;
  #lacks: { readonly nodes: NodeColumns; readonly bySlot: SlotValues } | undefined;
  readonly #reader = new ResourceReader();

  constructor({ ignoredResources, ignoredResourceGroups, scoringStrategy }: NodeResourcesFitArgs) {
    this.#ignored = new Set(ignoredResources);
    this.#ignoredGroups = new Set(ignoredResourceGroups);
    const { type, resources, requestedToCapacityRatio: ratio } = scoringStrategy;
    const score = {
      LeastAllocated: () => leastAllocated,
      MostAllocated: () => mostAllocated,
      RequestedToCapacityRatio: () => requestedToCapacityRatio(ratio?.shape ?? []),
    }[type]();
    this.#scorer = new AllocationScorer(resources, "nonZero", score);
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
    const { nodes } = cycle;
    const demands = this.#demands(cycle);
    const key = demands.map(({ name, amount }) => `${name}=${amount}`).join(",");
    const compute = (slot: number): number => lacks(nodes, demands, slot);
    const values = this.#lacksOf(nodes).get(key, count, compute);
    const ids = new Map<number, number>();
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const lack = values ? (values[slot] as number) : compute(slot);
      if (lack === 0) continue;
      let id = ids.get(lack);
      if (id === undefined) ids.set(lack, (id = cycle.rejection(refusal(lack, demands))));
      verdicts[slot] = id;
      refused++;
    }
    return refused;
  }

  scoreNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void {
    this.#scorer.scoreNodes(cycle, slots, count, scores);
  }

  #lacksOf(nodes: NodeColumns): SlotValues {
    if (this.#lacks?.nodes !== nodes) this.#lacks = { nodes, bySlot: new SlotValues(nodes, REMEMBERED) };
    return this.#lacks.bySlot;
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

/**
 * What a node lacks, as bits: room for a pod, then one a demand; 0 for nothing. Negative when it lacks something that it does not have even
 * without any pods.
 */
function lacks({ podCount, podsAllowed }: NodeColumns, demands: readonly Demand[], slot: number): number {
  let bits = (podCount[slot] as number) + 1 > (podsAllowed[slot] as number) ? TOO_MANY_PODS : 0;
  let never = false;
  for (let d = 0; d < demands.length; d++) {
    const { amount, allocatable, requested } = demands[d] as Demand;
    const has = allocatable[slot] as number;
    if (amount <= has - (requested[slot] as number)) continue;
    bits |= TOO_MANY_PODS << (d + 1);
    never ||= amount > has;
  }
  return never ? -bits : bits;
}

function refusal(lack: number, demands: readonly Demand[]): Status {
  const bits = Math.abs(lack);
  const short = demands.filter((_, d) => (bits & (TOO_MANY_PODS << (d + 1))) !== 0);
  return {
    code: lack < 0 ? "UnschedulableAndUnresolvable" : "Unschedulable",
    reasons: [
      ...((bits & TOO_MANY_PODS) !== 0 ? ["Too many pods"] : []),
      ...short.map(({ name }) => `Insufficient ${name}`),
    ],
  };
}
