import type { corev1 } from "../../../api/index.ts";
import type { ClusterCache } from "../../cache/cluster-cache.ts";
import { Action } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { EventInterest, PreFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, type Status, unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { domainsOf, matchesItself } from "./counting.ts";
import { type AffinityState, refuseEnemies, refuseFriendless, refuseUnwelcome } from "./filtering.ts";
import { afterNodeChange, afterPodChange } from "./hints.ts";
import { normalizeAffinity, scoreAffinity, type TopologyScore, topologyScores } from "./scoring.ts";

const REQUIRED = "PreFilterInterPodAffinity";
const PREFERRED = "PreScoreInterPodAffinity";

export interface InterPodAffinityArgs {
  readonly hardPodAffinityWeight?: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** Pods that want to be, or not to be, where certain other pods are. */
export class InterPodAffinity implements SchedulerPlugin {
  readonly name = Names.InterPodAffinity;
  readonly #cache: ClusterCache;
  readonly #hardWeight: number;
  readonly #ignoreOthers: boolean;

  constructor(args: InterPodAffinityArgs, { cache }: { readonly cache: ClusterCache }) {
    this.#cache = cache;
    this.#hardWeight = args.hardPodAffinityWeight ?? 1;
    this.#ignoreOthers = args.ignorePreferredTermsOfExistingPods === true;
  }

  events(): readonly EventInterest[] {
    const { reader, namespaces } = this.#cache;
    return [
      {
        event: { resource: "Pod", action: Action.Add | Action.UpdatePodLabel | Action.Delete },
        hint: (pod, before, after) =>
          afterPodChange(
            reader.terms,
            namespaces,
            pod,
            before as corev1.Pod | undefined,
            after as corev1.Pod | undefined,
          ),
      },
      {
        event: { resource: "Node", action: Action.Add | Action.UpdateNodeLabel },
        hint: (pod, before, after) =>
          afterNodeChange(reader.terms, pod, before as corev1.Node | undefined, after as corev1.Node),
      },
    ];
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    const { affinity, labels } = cycle.info;
    if (affinity.error !== undefined) return { status: unresolvable(`parsing pod: ${affinity.error}`) };
    const { requiredAffinity, requiredAntiAffinity } = affinity;
    const alone = requiredAffinity.length === 0 && requiredAntiAffinity.length === 0;
    if (alone && cycle.cache.counters.antiAffinity.matching(labels).length === 0) return { status: SKIP };
    const state: AffinityState = {
      friends: requiredAffinity.length > 0 ? domainsOf(cycle, requiredAffinity) : [],
      enemies: requiredAntiAffinity.flatMap((term) => domainsOf(cycle, [term])),
      matchesItself: matchesItself(cycle, requiredAffinity),
    };
    cycle.write(REQUIRED, state);
    return undefined;
  }

  filterNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, verdicts: Int32Array): number {
    const state = cycle.read<AffinityState>(REQUIRED);
    if (!state) return 0;
    return (
      refuseFriendless(cycle, state, slots, count, verdicts) +
      refuseEnemies(cycle, state, slots, count, verdicts) +
      refuseUnwelcome(cycle, slots, count, verdicts)
    );
  }

  preScore(cycle: SchedulingCycle): Status | undefined {
    const { preferredAffinity, preferredAntiAffinity } = cycle.info.affinity;
    const own = preferredAffinity.length > 0 || preferredAntiAffinity.length > 0;
    if (!own && (this.#ignoreOthers || cycle.cache.counters.podsWithAffinity === 0)) return SKIP;
    const scores = topologyScores(cycle, this.#hardWeight);
    if (scores.length === 0) return SKIP;
    cycle.write(PREFERRED, scores);
    return undefined;
  }

  scoreNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void {
    scoreAffinity(cycle.read<TopologyScore[]>(PREFERRED) ?? [], slots, count, scores);
  }

  normalizeScores(_: SchedulingCycle, __: Int32Array, count: number, scores: Float64Array): void {
    normalizeAffinity(count, scores);
  }
}
