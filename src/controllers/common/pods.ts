import type { corev1 } from "../../api/index.ts";
import { tryParseTime } from "../../machinery/index.ts";

/** The pod's condition of `type`, when it has one. */
export function podCondition(pod: corev1.Pod, type: string): corev1.PodCondition | undefined {
  return pod.status.conditions?.find((condition) => condition.type === type);
}

/** Whether the Ready condition is True. */
export function isPodReady(pod: corev1.Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Since when the pod has been ready, in milliseconds; `undefined` when it is not, or does not say. */
export function podReadySince(pod: corev1.Pod): number | undefined {
  const ready = podCondition(pod, "Ready");
  return ready?.status === "True" ? tryParseTime(ready.lastTransitionTime) : undefined;
}

/** Ready for at least `minReadySeconds` at the moment `now` (milliseconds). */
export function isPodAvailable(pod: corev1.Pod, minReadySeconds: number, now: number): boolean {
  if (!isPodReady(pod)) return false;
  if (minReadySeconds <= 0) return true;
  const since = podReadySince(pod);
  return since !== undefined && since + minReadySeconds * 1000 <= now;
}

/**
 * Milliseconds until the next of `pods` becomes available by having been ready long enough; `undefined` when none is
 * on its way.
 */
export function nextAvailability(pods: Iterable<corev1.Pod>, minReadySeconds: number, now: number): number | undefined {
  if (minReadySeconds <= 0) return undefined;
  let next: number | undefined;
  for (const pod of pods) {
    const since = podReadySince(pod);
    if (since === undefined) continue;
    const wait = since + minReadySeconds * 1000 - now;
    if (wait > 0 && (next === undefined || wait < next)) next = wait;
  }
  return next;
}

/** Succeeded or Failed: none of its containers will run again. */
export function isPodTerminal(pod: corev1.Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

/** Neither finished nor being deleted. */
export function isPodActive(pod: corev1.Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Being deleted and not finished yet. */
export function isPodTerminating(pod: corev1.Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}
