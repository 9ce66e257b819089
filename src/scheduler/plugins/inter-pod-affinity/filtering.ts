import type { DomainCounts } from "../../counters/domain-counts.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import { unresolvable, unschedulable } from "../../framework/status.ts";

const NO_FRIENDS = unresolvable("node(s) didn't match pod affinity rules");
const ENEMIES = unschedulable("node(s) didn't match pod anti-affinity rules");
const UNWELCOME = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

/** What PreFilter finds: the counters behind the pod's own required terms. */
export interface AffinityState {
  /** One a required affinity term; all count the pods that match all terms. */
  readonly friends: readonly DomainCounts[];
  /** One a required anti-affinity term. */
  readonly enemies: readonly DomainCounts[];
  /** The pod matches its own affinity terms. */
  readonly matchesItself: boolean;
}

/** Nodes must have the pods in their domain that the pod wants near it. The first of a kind may go anywhere. */
export function refuseFriendless(
  cycle: SchedulingCycle,
  { friends, matchesItself }: AffinityState,
  slots: Int32Array,
  count: number,
  verdicts: Int32Array,
): number {
  const id = cycle.rejection(NO_FRIENDS);
  const domains = friends.map((one) => one.refresh());
  const first = matchesItself && domains.every(({ total }) => total === 0);
  let refused = 0;
  for (const { counts, map } of domains) {
    const { values } = map.column;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const value = values[slot] as number;
      if (verdicts[slot] !== 0 || (value !== 0 && (first || (counts[value] ?? 0) > 0))) continue;
      verdicts[slot] = id;
      refused++;
    }
  }
  return refused;
}

/** Nodes must not have the pods in their domain that the pod shuns. */
export function refuseEnemies(
  cycle: SchedulingCycle,
  { enemies }: AffinityState,
  slots: Int32Array,
  count: number,
  verdicts: Int32Array,
): number {
  const id = cycle.rejection(ENEMIES);
  let refused = 0;
  for (const domains of enemies) {
    const { counts, map, total } = domains.refresh();
    if (total > 0) refused += refuseWhere(map.column.values, counts, id, slots, count, verdicts);
  }
  return refused;
}

/** Nodes must not have pods in their domain that shun the pod. */
export function refuseUnwelcome(
  cycle: SchedulingCycle,
  slots: Int32Array,
  count: number,
  verdicts: Int32Array,
): number {
  const id = cycle.rejection(UNWELCOME);
  let refused = 0;
  for (const term of cycle.cache.counters.antiAffinity.matching(cycle.info.labels)) {
    const { weights, map } = term.refresh();
    refused += refuseWhere(map.column.values, weights, id, slots, count, verdicts);
  }
  return refused;
}

function refuseWhere(
  values: Int32Array,
  counts: Int32Array | Float64Array,
  id: number,
  slots: Int32Array,
  count: number,
  verdicts: Int32Array,
): number {
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    const value = values[slot] as number;
    if (value === 0 || verdicts[slot] !== 0 || !((counts[value] ?? 0) > 0)) continue;
    verdicts[slot] = id;
    refused++;
  }
  return refused;
}
