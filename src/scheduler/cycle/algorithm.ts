import type { Random } from "../../kit/index.ts";
import type { ClusterCache } from "../cache/cluster-cache.ts";
import type { SchedulingCycle } from "../framework/cycle.ts";
import { NodeVerdicts } from "../framework/diagnosis.ts";
import type { Profile } from "../framework/profile.ts";
import { isRejected, messageOf, unresolvable } from "../framework/status.ts";
import type { Nominator } from "../queue/nominator.ts";
import type { SchedulerExtender } from "../framework/extender.ts";
import { filterByExtenders, prioritizeByExtenders } from "./extending.ts";
import type { Feasible } from "./feasible.ts";

import { nodesToFind } from "./nodes-to-find.ts";

export type { Feasible } from "./feasible.ts";

/** A node was found. */
export interface Placement {
  readonly kind: "placed";
  readonly node: string;
  readonly evaluated: number;
  readonly feasible: number;
}

/** No node can have the pod. */
export interface Misfit {
  readonly kind: "misfit";
  readonly verdicts: NodeVerdicts;
  /** What PreFilter said, when that was the end. */
  readonly preFilterMessage?: string;
  readonly unschedulablePlugins: ReadonlySet<string>;
  readonly pendingPlugins: ReadonlySet<string>;
}

/** There are no nodes at all. */
export interface NoNodes {
  readonly kind: "noNodes";
}

export type Outcome = Placement | Misfit | NoNodes;

export interface AlgorithmOptions {
  readonly cache: ClusterCache;
  readonly random: Random;
  readonly nominator: () => Nominator;
  /** Share of nodes to score, of profiles that do not say; 0: see `adaptive`. */
  readonly percentageOfNodesToScore: number;
  /** Of many nodes score only some, by upstream's formula. Default: all, which costs little here. */
  readonly adaptive: boolean;
  readonly extenders: readonly SchedulerExtender[];
}

/** Stands for all extenders where plugins are blamed. */
export const EXTENDER = "Extender";

/** Finds the node for a pod: filters, scores, and chooses among the best by chance. One cycle at a time. */
export class Algorithm {
  readonly #options: AlgorithmOptions;
  #slots = new Int32Array(0);
  #verdicts = new Int32Array(0);
  #start = 0;

  constructor(options: AlgorithmOptions) {
    this.#options = options;
  }

  /** Synchronous, unless extenders have a say. Throws what a plugin could not do. */
  find(cycle: SchedulingCycle, profile: Profile): Outcome | Promise<Outcome> {
    const found = this.filter(cycle, profile);
    if (!("count" in found)) return found;
    const extenders = this.#options.extenders.filter((one) => one.isInterested(cycle.pod));
    if (extenders.length > 0) return this.#findWith(extenders, cycle, profile, found);
    if (found.count === 0) return misfit(found.verdicts);
    const best = found.count === 1 ? 0 : this.choose(this.score(cycle, profile, found), found.count);
    return this.placement(cycle, found, best);
  }

  async #findWith(
    extenders: readonly SchedulerExtender[],
    cycle: SchedulingCycle,
    profile: Profile,
    found: Feasible & { readonly verdicts: NodeVerdicts },
  ): Promise<Outcome> {
    const count = await filterByExtenders(extenders, cycle, found);
    const base = misfit(found.verdicts);
    // Any event may bring back a pod that extenders refused: they do not say which would.
    const blamed = count < found.count ? new Set([...base.unschedulablePlugins, EXTENDER]) : base.unschedulablePlugins;
    if (count === 0) return { ...base, unschedulablePlugins: blamed };
    const left = { slots: found.slots, count };
    if (count === 1) return this.placement(cycle, left, 0);
    const totals = this.score(cycle, profile, left);
    await prioritizeByExtenders(extenders, cycle, left, totals);
    return this.placement(cycle, left, this.choose(totals, count));
  }

  /** PreFilter and Filter: the nodes that can have the pod; or the end. */
  filter(cycle: SchedulingCycle, profile: Profile): (Feasible & { readonly verdicts: NodeVerdicts }) | Outcome {
    const { nodes } = cycle;
    if (nodes.count === 0) return { kind: "noNodes" };
    this.#prepare(cycle);
    const verdicts = new NodeVerdicts(cycle, this.#verdicts);
    const pre = profile.runPreFilter(cycle);
    if (pre.status) {
      verdicts.absent = pre.status;
      const base = misfit(verdicts);
      const plugins = new Set([...base.unschedulablePlugins, ...pre.plugins]);
      return { ...base, preFilterMessage: messageOf(pre.status), unschedulablePlugins: plugins };
    }
    const promised = cycle.pod.status?.nominatedNodeName;
    const nominated = promised ? nodes.find(promised) : undefined;
    if (nominated !== undefined && profile.runFiltersWithNominated(cycle, nominated) === undefined) {
      this.#slots[0] = nominated;
      return { slots: this.#slots, count: 1, verdicts };
    }
    let candidates = nodes.count;
    if (pre.nodeNames) {
      candidates = this.#listNamed(cycle, pre.nodeNames);
      const names = [...pre.plugins].toSorted().join(" ");
      verdicts.absent = unresolvable(`node(s) didn't satisfy plugin(s) [${names}]`);
    } else this.#slots.set(nodes.order);
    const count = this.#filterCandidates(cycle, profile, candidates);
    return { slots: this.#slots, count, verdicts };
  }

  /** The weighted scores of feasible nodes. */
  score(cycle: SchedulingCycle, profile: Profile, { slots, count }: Feasible): Float64Array {
    return profile.runScores(cycle, slots, count);
  }

  /** The index of the best, by chance among equals: one draw. */
  choose(totals: Float64Array, count: number): number {
    let best = -Infinity;
    let ties = 0;
    for (let i = 0; i < count; i++) {
      const total = totals[i] as number;
      if (total < best) continue;
      if (total > best) {
        best = total;
        ties = 0;
      }
      ties++;
    }
    let pick = ties > 1 ? this.#options.random.int(ties) : 0;
    for (let i = 0; i < count; i++) if (totals[i] === best && pick-- === 0) return i;
    return 0;
  }

  placement({ nodes, refusals }: SchedulingCycle, { slots, count }: Feasible, index: number): Placement {
    const evaluated = refusals.length === 0 ? count : nodes.count;
    return { kind: "placed", node: nodes.name(slots[index] as number), evaluated, feasible: count };
  }

  #prepare({ nodes }: SchedulingCycle): void {
    if (this.#slots.length < nodes.capacity) {
      this.#slots = new Int32Array(nodes.capacity);
      this.#verdicts = new Int32Array(nodes.capacity);
    } else this.#verdicts.fill(0);
  }

  #listNamed({ nodes }: SchedulingCycle, names: ReadonlySet<string>): number {
    let count = 0;
    for (const name of names) {
      const slot = nodes.find(name);
      if (slot !== undefined) this.#slots[count++] = slot;
    }
    return count;
  }

  #filterCandidates(cycle: SchedulingCycle, profile: Profile, candidates: number): number {
    const { percentageOfNodesToScore, adaptive } = this.#options;
    const percentage = profile.percentageOfNodesToScore ?? percentageOfNodesToScore;
    const wanted = profile.scores ? nodesToFind(candidates, percentage, adaptive) : 1;
    if (wanted >= candidates) {
      const left = this.#filterNominated(cycle, profile, this.#slots, candidates);
      return profile.runFilters(cycle, this.#slots, left, this.#verdicts);
    }
    return this.#filterSome(cycle, profile, candidates, wanted);
  }

  /** Looks only until enough nodes are found, from where the last search ended. */
  #filterSome(cycle: SchedulingCycle, profile: Profile, candidates: number, wanted: number): number {
    const all = this.#slots.slice(0, candidates);
    const chunk = new Int32Array(wanted);
    let [found, looked] = [0, 0];
    while (found < wanted && looked < candidates) {
      const size = Math.min(wanted - found, candidates - looked);
      for (let i = 0; i < size; i++) chunk[i] = all[(this.#start + looked + i) % candidates] as number;
      looked += size;
      const left = profile.runFilters(cycle, chunk, this.#filterNominated(cycle, profile, chunk, size), this.#verdicts);
      this.#slots.set(chunk.subarray(0, left), found);
      found += left;
    }
    this.#start = (this.#start + looked) % candidates;
    return found;
  }

  /** Asks the nodes that are promised to others first, with the others on them; leaves out those that refuse. */
  #filterNominated(cycle: SchedulingCycle, profile: Profile, slots: Int32Array, count: number): number {
    const nominator = this.#options.nominator();
    if (nominator.size === 0) return count;
    let refused = 0;
    for (const name of nominator.nodes) {
      const slot = cycle.nodes.find(name);
      const status = slot === undefined ? undefined : profile.withNominated(cycle, slot);
      if (slot === undefined || status === undefined || slots.subarray(0, count).indexOf(slot) < 0) continue;
      this.#verdicts[slot] = cycle.rejection(status);
      refused++;
    }
    if (refused === 0) return count;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      if (this.#verdicts[slot] === 0) slots[kept++] = slot;
    }
    return kept;
  }
}

/** The end of a search that found nothing, with who is to blame. */
export function misfit(verdicts: NodeVerdicts): Misfit {
  const [unschedulable, pending] = [new Set<string>(), new Set<string>()];
  const absent = verdicts.absent?.plugin ? [verdicts.absent] : [];
  for (const status of [...absent, ...verdicts.given()]) {
    if (!isRejected(status) || !status.plugin) continue;
    unschedulable.add(status.plugin);
    if (status.code === "Pending") pending.add(status.plugin);
  }
  return { kind: "misfit", verdicts, unschedulablePlugins: unschedulable, pendingPlugins: pending };
}
