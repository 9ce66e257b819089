import type { corev1, metav1, policyv1 } from "../../api/index.ts";
import { deepEqual, scaledValue, setCondition, tryParseTime } from "../../machinery/index.ts";
import { isPodReady, isPodTerminal, podCondition } from "../common/pods.ts";

type Budget = policyv1.PodDisruptionBudget;
type Status = policyv1.PodDisruptionBudgetStatus;
type Pod = corev1.Pod;

/** A pod whose eviction was granted must be going after this long; so must one that says it is a target. */
export const EVICTION_TIMEOUT_MS = 120_000;
const ALLOWED = "DisruptionAllowed";

/** How many pods there should be and how many of them must be well. */
export interface Need {
  readonly expected: number;
  readonly healthy: number;
}

/** Whether a budget counts in shares of what the pods' controllers want. */
export function needsScale({ spec }: Budget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === "string";
}

/** `scale`: what the controllers of the pods want together, where {@link needsScale} says so. */
export function needOf({ spec }: Budget, pods: number, scale: number): Need {
  if (spec.maxUnavailable !== undefined) {
    return { expected: scale, healthy: Math.max(0, scale - scaledValue(spec.maxUnavailable, scale, true)) };
  }
  if (spec.minAvailable === undefined) return { expected: 0, healthy: 0 };
  if (typeof spec.minAvailable === "number") return { expected: pods, healthy: spec.minAvailable };
  return { expected: scale, healthy: scaledValue(spec.minAvailable, scale, true) };
}

/** Evictions that were granted and have not shown yet. */
export interface Disrupted {
  readonly pods: Readonly<Record<string, string>>;
  /** Milliseconds until the first of them should have. */
  readonly recheck?: number;
  /** Those that never did. */
  readonly notDeleted: readonly Pod[];
}

/** What remains of the evictions that the budget's status lists. */
export function disruptedPods({ status }: Budget, pods: readonly Pod[], now: number): Disrupted {
  const remaining: Record<string, string> = {};
  const notDeleted: Pod[] = [];
  let recheck: number | undefined;
  for (const pod of pods) {
    const time = status.disruptedPods?.[pod.metadata.name];
    const since = tryParseTime(time);
    if (pod.metadata.deletionTimestamp !== undefined || time === undefined || since === undefined) continue;
    const wait = since + EVICTION_TIMEOUT_MS - now;
    if (wait < 0) notDeleted.push(pod);
    else {
      remaining[pod.metadata.name] = time;
      recheck = Math.min(recheck ?? Infinity, wait);
    }
  }
  return { pods: remaining, notDeleted, ...(recheck === undefined ? {} : { recheck }) };
}

/** Pods that are ready and will stay, as far as anybody knows. */
export function countHealthy(pods: readonly Pod[], disrupted: Readonly<Record<string, string>>, now: number): number {
  return pods.filter((pod) => {
    if (pod.metadata.deletionTimestamp !== undefined) return false;
    const since = tryParseTime(disrupted[pod.metadata.name]);
    if (since !== undefined && since + EVICTION_TIMEOUT_MS > now) return false;
    return isPodReady(pod);
  }).length;
}

/** The status of a budget; the same object when nothing has changed. */
export function budgetStatus(
  { metadata, status }: Budget,
  need: Need,
  healthy: number,
  disrupted: Readonly<Record<string, string>>,
  now: number,
): Status {
  const allowed = need.expected <= 0 ? 0 : Math.max(0, healthy - need.healthy);
  const { generation } = metadata;
  const next: Status = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: { ...disrupted } }),
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: need.healthy,
    expectedPods: need.expected,
    conditions: [
      ...setCondition<metav1.Condition>(
        status.conditions,
        condition(allowed > 0, allowed > 0 ? "SufficientPods" : "InsufficientPods", "", generation),
        now,
      ),
    ],
  };
  return deepEqual(status, next) ? status : next;
}

/** The status when nothing is known: no evictions. */
export function failedStatus({ status }: Budget, message: string, now: number): Status {
  const next = condition(false, "SyncFailed", message, status.observedGeneration);
  const conditions = setCondition<metav1.Condition>(status.conditions, next, now);
  return { ...status, disruptionsAllowed: 0, conditions: [...conditions] };
}

function condition(
  allowed: boolean,
  reason: string,
  message: string,
  generation: number | undefined,
): metav1.Condition {
  return {
    type: ALLOWED,
    status: allowed ? "True" : "False",
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    reason,
    message,
  } as metav1.Condition;
}

/**
 * Milliseconds until the pod's claim to be a disruption target is stale; `undefined` when it makes none that could be. A
 * kubelet may take its time with what it claims.
 */
export function targetExpiry(pod: Pod, now: number): number | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || isPodTerminal(pod)) return undefined;
  const target = podCondition(pod, "DisruptionTarget");
  if (target?.status !== "True" || target.reason === "TerminationByKubelet") return undefined;
  return Math.max(0, (tryParseTime(target.lastTransitionTime) ?? 0) + EVICTION_TIMEOUT_MS - now);
}
