import { formatTime } from "../values/time.ts";

/** What all condition types of all kinds have in common. */
export interface AnyCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime?: string;
}

/**
 * A list with the condition of that type set: `lastTransitionTime` moves (to the one given, else `now`, in milliseconds) only when the
 * status changes, as upstream's SetStatusCondition does. The same list comes back when nothing changes.
 */
export function setCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  next: C,
  now: number,
): readonly C[] {
  const list = conditions ?? [];
  const old = list.find((c) => c.type === next.type);
  const moved = next.lastTransitionTime ?? formatTime(now);
  if (!old) return [...list, { ...next, lastTransitionTime: moved }];
  const lastTransitionTime = old.status === next.status ? old.lastTransitionTime : moved;
  const merged = { ...old, ...next, lastTransitionTime };
  const changed = (Object.keys(next) as (keyof C)[]).some(
    (key) => key !== "lastTransitionTime" && old[key] !== next[key],
  );
  return changed ? list.map((c) => (c === old ? merged : c)) : list;
}

/** The condition of that type. */
export function getCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((c) => c.type === type);
}

/** Whether the condition is there with status "True". */
export function isConditionTrue(conditions: readonly AnyCondition[] | undefined, type: string): boolean {
  return getCondition(conditions, type)?.status === "True";
}

/** The list without that type; the same list when it has none. */
export function removeCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: string,
): readonly C[] {
  const list = conditions ?? [];
  return list.some((c) => c.type === type) ? list.filter((c) => c.type !== type) : list;
}
