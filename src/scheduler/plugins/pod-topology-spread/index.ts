import type { corev1 } from "../../../api/index.ts";
import { Action, type QueueingHint } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { EventInterest, PluginHandle, PreFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { failed, SKIP, type Status, unresolvable, unschedulable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { ConstraintReader, type SpreadConstraint, type SpreadConstraints } from "./constraints.ts";
import { counted, type CountedConstraint } from "./counting.ts";
import { type DefaultSelector, defaultSelectors } from "./default-selector.ts";
import { afterNodeChange, afterPodChange } from "./hints.ts";
import { normalizeSpread, prepare, scoreSpread, type SpreadScoring } from "./scoring.ts";

const UNEVEN = unschedulable("node(s) didn't match pod topology spread constraints");
const NO_LABEL = unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
const HARD = "PreFilterPodTopologySpread";
const SOFT = "PreScorePodTopologySpread";
const NONE: SpreadConstraints = { hard: [], soft: [] };

/** What pods of services and controllers are spread by that do not say themselves. */
const SYSTEM_DEFAULTS: readonly corev1.TopologySpreadConstraint[] = [
  { topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

export interface PodTopologySpreadArgs {
  readonly defaultConstraints?: readonly corev1.TopologySpreadConstraint[];
  readonly defaultingType?: "System" | "List";
}

/** Spreads pods over zones, nodes or whatever labels divide nodes into: strictly, or as well as may be. */
export class PodTopologySpread implements SchedulerPlugin {
  readonly name = Names.PodTopologySpread;
  readonly #reader = new ConstraintReader();
  readonly #defaults: readonly corev1.TopologySpreadConstraint[];
  readonly #systemDefaults: boolean;
  readonly #defaultSelector: DefaultSelector;

  constructor(args: PodTopologySpreadArgs, handle: Pick<PluginHandle, "informer">) {
    this.#systemDefaults = args.defaultingType !== "List";
    this.#defaults = this.#systemDefaults ? SYSTEM_DEFAULTS : (args.defaultConstraints ?? []);
    this.#defaultSelector = defaultSelectors(handle);
  }

  events(): readonly EventInterest[] {
    const pods = Action.Add | Action.UpdatePodLabel | Action.UpdatePodToleration | Action.Delete;
    const nodes = Action.Add | Action.Delete | Action.UpdateNodeLabel | Action.UpdateNodeTaint;
    const hint =
      <T>(answer: (pod: corev1.Pod, hard: readonly SpreadConstraint[], before?: T, after?: T) => QueueingHint) =>
      (pod: corev1.Pod, before: unknown, after: unknown): QueueingHint =>
        answer(pod, this.#constraints(pod).hard, before as T | undefined, after as T | undefined);
    return [
      { event: { resource: "Pod", action: pods }, hint: hint<corev1.Pod>(afterPodChange) },
      { event: { resource: "Node", action: nodes }, hint: hint<corev1.Node>(afterNodeChange) },
    ];
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    let hard: readonly SpreadConstraint[];
    try {
      ({ hard } = this.#constraints(cycle.pod));
    } catch (error) {
      return { status: failed(error) };
    }
    if (hard.length === 0) return { status: SKIP };
    cycle.write(
      HARD,
      counted(
        cycle,
        hard,
        hard.map(({ topologyKey }) => topologyKey),
      ),
    );
    return undefined;
  }

  filterNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, verdicts: Int32Array): number {
    const noLabel = cycle.rejection(NO_LABEL);
    const uneven = cycle.rejection(UNEVEN);
    let refused = 0;
    for (const { constraint, domains, self } of cycle.read<CountedConstraint[]>(HARD) ?? []) {
      const { counts, min, map } = domains.refresh();
      const { values } = map.column;
      const least = map.values.length < constraint.minDomains ? 0 : min;
      const most = constraint.maxSkew + least - self;
      for (let i = 0; i < count; i++) {
        const slot = slots[i] as number;
        const value = values[slot] as number;
        if (verdicts[slot] !== 0 || (value !== 0 && (counts[value] ?? 0) <= most)) continue;
        verdicts[slot] = value === 0 ? noLabel : uneven;
        refused++;
      }
    }
    return refused;
  }

  preScore(cycle: SchedulingCycle, slots: Int32Array, count: number): Status | undefined {
    const { soft } = this.#constraints(cycle.pod);
    if (soft.length === 0) return SKIP;
    const explicit = (cycle.pod.spec.topologySpreadConstraints?.length ?? 0) > 0;
    // By the system's defaults, nodes without a zone are spread over all the same.
    cycle.write(SOFT, prepare(cycle, soft, explicit || !this.#systemDefaults, slots, count));
    return undefined;
  }

  scoreNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void {
    const scoring = cycle.read<SpreadScoring>(SOFT);
    if (scoring) scoreSpread(scoring, slots, count, scores);
  }

  normalizeScores(cycle: SchedulingCycle, _: Int32Array, count: number, scores: Float64Array): void {
    const scoring = cycle.read<SpreadScoring>(SOFT);
    if (scoring) normalizeSpread(scoring, count, scores);
  }

  #constraints(pod: corev1.Pod): SpreadConstraints {
    const written = pod.spec.topologySpreadConstraints;
    if (written?.length) return this.#reader.read(written, pod.metadata.labels);
    if (this.#defaults.length === 0) return NONE;
    const selector = this.#defaultSelector(pod);
    return selector.empty ? NONE : this.#reader.read(this.#defaults, pod.metadata.labels, selector);
  }
}
