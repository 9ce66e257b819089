import type { corev1 } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";

type PodStatus = corev1.PodStatus;

/**
 * What turns `current` (the API's) into `desired`, as a strategic merge patch of the status; undefined when nothing
 * differs. Conditions are sent one by one, so that those of others are left alone.
 */
export function statusPatch(current: PodStatus, desired: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  const keys = new Set([...Object.keys(current), ...Object.keys(desired)]) as Set<keyof PodStatus>;
  for (const key of keys) {
    const [from, to] = [current[key], desired[key]];
    if (key === "conditions" || deepEqual(from, to)) continue;
    if (to === undefined) patch[key] = null;
    else if (key === "podIPs" || key === "hostIPs") patch[key] = [{ $patch: "replace" }, ...(to as object[])];
    else patch[key] = to;
  }
  const conditions = (desired.conditions ?? []).flatMap((to) => {
    const from = (current.conditions ?? []).find((c) => c.type === to.type);
    return from && deepEqual(plain(from), plain(to)) ? [] : [{ ...removals(from, to), ...to }];
  });
  if (conditions.length > 0) patch["conditions"] = conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

type Condition = NonNullable<PodStatus["conditions"]>[number];

/** Without fields that are there but empty, as the API writes them. */
function plain(condition: Condition): Record<string, unknown> {
  return Object.fromEntries(Object.entries(condition).filter(([, value]) => value !== null && value !== undefined));
}

/** Fields of `from` that `to` has no more: a merge would keep them. */
function removals(from: Condition | undefined, to: Condition): Record<string, null> {
  const gone = Object.keys(from ?? {}).filter((key) => !(key in to) && key !== "lastProbeTime");
  return Object.fromEntries(gone.map((key) => [key, null]));
}
