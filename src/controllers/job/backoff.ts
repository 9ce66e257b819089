import type { corev1 } from "../../api/index.ts";
import { tryParseTime } from "../../machinery/index.ts";
import { podCondition } from "../common/pods.ts";

const INITIAL_MS = 10_000;
const MAX_MS = 10 * 60_000;

/** Failures in a row. */
export interface BackoffRecord {
  readonly failures: number;
  /** Milliseconds since the epoch. */
  readonly lastFailure: number | undefined;
}

export const NO_FAILURES: BackoffRecord = { failures: 0, lastFailure: undefined };

/** When a pod ended: by its containers, else by what is known of it. Milliseconds since the epoch. */
export function finishedAt(pod: corev1.Pod): number {
  const { metadata, status } = pod;
  const ready = podCondition(pod, "Ready");
  const notReady = ready?.status === "False" ? tryParseTime(ready.lastTransitionTime) : undefined;
  const deleted = tryParseTime(metadata.deletionTimestamp);
  const sidecars = new Set(
    (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === "Always").map((c) => c.name),
  );
  const ends = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ].map(({ state }) => tryParseTime(state.terminated?.finishedAt));
  const known = ends.filter((end) => end !== undefined);
  if (known.length > 0 && known.length === ends.length) return Math.max(...known);
  if (notReady !== undefined) return notReady;
  if (deleted !== undefined) return deleted - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  return tryParseTime(metadata.creationTimestamp) ?? 0;
}

/** Goes on counting with pods that ended since: a success ends the row, failures after it begin a new one. */
export function nextRecord(
  before: BackoffRecord,
  succeeded: readonly corev1.Pod[],
  failed: readonly corev1.Pod[],
): BackoffRecord {
  const failures = failed.map(finishedAt);
  if (succeeded.length === 0) {
    if (failures.length === 0) return before;
    return { failures: before.failures + failures.length, lastFailure: Math.max(...failures) };
  }
  const lastSuccess = Math.max(...succeeded.map(finishedAt));
  const since = failures.filter((time) => time > lastSuccess);
  return since.length === 0 ? NO_FAILURES : { failures: since.length, lastFailure: Math.max(...since) };
}

/** Milliseconds until another pod may be tried: 10 s after the first failure, doubling up to 10 minutes. */
export function remainingPause({ failures, lastFailure }: BackoffRecord, now: number): number {
  if (failures === 0 || lastFailure === undefined) return 0;
  const pause = Math.min(INITIAL_MS * 2 ** Math.min(failures - 1, 30), MAX_MS);
  return Math.max(0, pause - (now - lastFailure));
}
