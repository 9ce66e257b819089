import type { batchv1, corev1 } from "../../api/index.ts";
import { formatTime, tryParseTime } from "../../machinery/index.ts";
import { findCondition } from "../common/conditions.ts";
import { deletionOrder } from "../common/pod-rank.ts";
import { isPodActive, isPodTerminating } from "../common/pods.ts";
import { type BackoffRecord, finishedAt, nextRecord, remainingPause } from "./backoff.ts";
import {
  countIntervals,
  firstMissing,
  hasNumber,
  type Intervals,
  mergeIntervals,
  parseIntervals,
  withNumbers,
} from "./intervals.ts";
import {
  allFailuresBefore,
  countTerminating,
  failuresBefore,
  indexesOf,
  indexOf,
  isFailed,
  isIndexed,
  isTracked,
  type NewPod,
  replacesFailedOnly,
  validIndex,
} from "./job-pods.ts";
import { judgeFailure, matchSuccess } from "./policies.ts";

type Job = batchv1.Job;
type Pod = corev1.Pod;
type Condition = batchv1.JobCondition;

/** The most pods created or deleted at a time. */
export const MAX_PER_SYNC = 500;

/** A Job, its pods, and how it failed so far. `status.startTime` must be set unless it is suspended. */
export interface JobSituation {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly record: BackoffRecord;
  readonly now: number;
}

/** How the Job stands. */
export interface Standing {
  /** The condition that ends it, when it is over: as it stood before, or newly met. */
  readonly end: Condition | undefined;
  readonly succeeded: number;
  readonly succeededIndexes: Intervals;
  /** Of Jobs with a limit an index. */
  readonly failedIndexes: Intervals | undefined;
  /** The last failed pod of each index that waits for a replacement: kept until then, since it carries the count. */
  readonly awaiting: ReadonlyMap<number, Pod>;
  readonly record: BackoffRecord;
  /** Milliseconds until the deadline. */
  readonly deadlineIn: number | undefined;
}

export function isSuspended(job: Job): boolean {
  return job.spec.suspend === true;
}

/** A condition as of `now`. */
export function jobCondition(type: string, status: string, reason: string, message: string, now: number): Condition {
  const time = formatTime(now);
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message };
}

/** Looks at what has become of the pods and whether that ends the Job: first what was decided before, then failure, then success. */
export function assess({ job, pods, record, now }: JobSituation): Standing {
  const { status, spec } = job;
  const completions = spec.completions ?? 0;
  const uncounted = {
    succeeded: new Set(status.uncountedTerminatedPods?.succeeded),
    failed: new Set(status.uncountedTerminatedPods?.failed),
  };
  const fresh = pods.filter((pod) => isTracked(pod) && (!isIndexed(job) || validIndex(pod, job) !== undefined));
  const newSucceeded = fresh.filter(
    (pod) => pod.status.phase === "Succeeded" && !uncounted.succeeded.has(pod.metadata.uid),
  );
  const newFailed = fresh.filter((pod) => isFailed(pod, job) && !uncounted.failed.has(pod.metadata.uid));
  const counted = newFailed.filter((pod) => judgeFailure(spec.podFailurePolicy, pod).counts);
  const failed = (status.failed ?? 0) + counted.length + uncounted.failed.size;
  const indexes = isIndexed(job) ? succeededIndexes(job, pods) : [];
  const failedIndexes =
    spec.backoffLimitPerIndex === undefined || !isIndexed(job) ? undefined : allFailedIndexes(job, pods);
  const succeeded = isIndexed(job)
    ? countIntervals(indexes)
    : (status.succeeded ?? 0) + newSucceeded.length + uncounted.succeeded.size;
  const end =
    decidedEnd(job, now) ??
    failureEnd(job, pods, failed, now) ??
    (failedIndexes === undefined ? undefined : indexFailureEnd(job, indexes, failedIndexes, now)) ??
    (isIndexed(job) ? successEnd(job, completions, indexes, now) : undefined);
  return {
    end,
    succeeded,
    succeededIndexes: indexes,
    failedIndexes,
    awaiting: failedIndexes === undefined ? new Map() : awaitingReplacement(job, pods, indexes, failedIndexes),
    record: nextRecord(record, newSucceeded, newFailed),
    deadlineIn: end === undefined ? deadlineIn(job, now) : undefined,
  };
}

function decidedEnd({ status }: Job, now: number): Condition | undefined {
  const met = findCondition(status.conditions, "SuccessCriteriaMet");
  if (met?.status === "True") return met;
  const target = findCondition(status.conditions, "FailureTarget");
  if (target?.status !== "True") return undefined;
  return jobCondition("Failed", "True", target.reason ?? "", target.message ?? "", now);
}

function failureEnd(job: Job, pods: readonly Pod[], failed: number, now: number): Condition | undefined {
  const fail = (reason: string, message: string): Condition =>
    jobCondition("FailureTarget", "True", reason, message, now);
  for (const pod of job.spec.podFailurePolicy === undefined ? [] : pods) {
    const message = isFailed(pod, job) ? judgeFailure(job.spec.podFailurePolicy, pod).failJob : undefined;
    if (message !== undefined) return fail("PodFailurePolicy", message);
  }
  const limit = job.spec.backoffLimit ?? 6;
  if (failed > limit || restartedTooOften(job, pods, limit)) {
    return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  const left = deadlineIn(job, now);
  if (left !== undefined && left <= 0) return fail("DeadlineExceeded", "Job was active longer than specified deadline");
  return undefined;
}

/** Pods that restart in place count by their containers' restarts. */
function restartedTooOften(job: Job, pods: readonly Pod[], limit: number): boolean {
  if (job.spec.template.spec.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const { status } of pods) {
    if (status.phase !== "Running" && status.phase !== "Pending") continue;
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    for (const { restartCount } of all) restarts += restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function deadlineIn(job: Job, now: number): number | undefined {
  const { activeDeadlineSeconds } = job.spec;
  const started = tryParseTime(job.status.startTime);
  if (activeDeadlineSeconds === undefined || started === undefined || isSuspended(job)) return undefined;
  return started + activeDeadlineSeconds * 1000 - now;
}

function indexFailureEnd(job: Job, succeeded: Intervals, failed: Intervals, now: number): Condition | undefined {
  const { maxFailedIndexes, completions = 0 } = job.spec;
  const count = countIntervals(failed);
  const fail = (reason: string, message: string): Condition =>
    jobCondition("FailureTarget", "True", reason, message, now);
  if (maxFailedIndexes !== undefined && count > maxFailedIndexes) {
    return fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  }
  const done = count > 0 && count + countIntervals(succeeded) >= completions;
  return done ? fail("FailedIndexes", "Job has failed indexes") : undefined;
}

function successEnd(job: Job, completions: number, succeeded: Intervals, now: number): Condition | undefined {
  const message = matchSuccess(job.spec.successPolicy, completions, succeeded);
  return message === undefined ? undefined : jobCondition("SuccessCriteriaMet", "True", "SuccessPolicy", message, now);
}

function succeededIndexes(job: Job, pods: readonly Pod[]): Intervals {
  const before = parseIntervals(job.status.completedIndexes, job.spec.completions ?? 0);
  const fresh = pods.filter((pod) => pod.status.phase === "Succeeded" && isTracked(pod));
  return withNumbers(
    before,
    fresh.flatMap((pod) => validIndex(pod, job) ?? []),
  );
}

function allFailedIndexes(job: Job, pods: readonly Pod[]): Intervals {
  const before = parseIntervals(job.status.failedIndexes, job.spec.completions ?? 0);
  const fresh = pods.filter((pod) => isTracked(pod) && indexHasFailed(job, pod));
  return withNumbers(
    before,
    fresh.flatMap((pod) => validIndex(pod, job) ?? []),
  );
}

function indexHasFailed(job: Job, pod: Pod): boolean {
  if (!isFailed(pod, job)) return false;
  const { action, counts } = judgeFailure(job.spec.podFailurePolicy, pod);
  return action === "FailIndex" || (counts && failuresBefore(pod) >= (job.spec.backoffLimitPerIndex ?? 0));
}

function awaitingReplacement(
  job: Job,
  pods: readonly Pod[],
  succeeded: Intervals,
  failed: Intervals,
): Map<number, Pod> {
  const active = indexesOf(pods.filter(isPodActive));
  const awaiting = new Map<number, Pod>();
  for (const pod of pods) {
    const index = validIndex(pod, job);
    if (index === undefined || !isTracked(pod) || !isFailed(pod, job)) continue;
    if (hasNumber(succeeded, index) || hasNumber(failed, index) || active.has(index)) continue;
    const known = awaiting.get(index);
    const later =
      known === undefined ||
      (allFailuresBefore(known) <= allFailuresBefore(pod) && finishedAt(pod) >= finishedAt(known));
    if (later) awaiting.set(index, pod);
  }
  return awaiting;
}

/** What to do about the pods of a Job. */
export interface PodsPlan {
  readonly remove: readonly Pod[];
  /** Whether pods removed are still to be counted (the Job is over), or never happened (there were too many). */
  readonly keepTracking: boolean;
  readonly create: readonly NewPod[];
  /** Milliseconds until pods may be created again. */
  readonly pause?: number;
}

const NOTHING: PodsPlan = { remove: [], keepTracking: false, create: [] };

/** Deletes pods of a Job that is over or suspended or has too many, or creates missing ones; never both at a time. */
export function planPods({ job, pods, now }: JobSituation, standing: Standing): PodsPlan {
  const active = pods.filter(isPodActive);
  if (standing.end !== undefined) return { ...NOTHING, remove: active, keepTracking: true };
  if (job.metadata.deletionTimestamp !== undefined) return NOTHING;
  if (isSuspended(job)) return { ...NOTHING, remove: surplus(job, active, active.length, now) };
  const want = wantActive(job, standing.succeeded, active.length);
  const remove = surplus(job, active, Math.max(0, active.length - want), now).slice(0, MAX_PER_SYNC);
  if (remove.length > 0) return { ...NOTHING, remove };
  const waiting = replacesFailedOnly(job) ? countTerminating(pods) : 0;
  const missing = Math.min(want - waiting - active.length, MAX_PER_SYNC);
  if (missing <= 0) return NOTHING;
  const perIndex = job.spec.backoffLimitPerIndex !== undefined;
  const pause = perIndex ? 0 : remainingPause(standing.record, now);
  if (pause > 0) return { ...NOTHING, pause };
  if (!isIndexed(job)) return { ...NOTHING, create: Array.from({ length: missing }, () => ({})) };
  const indexes = pendingIndexes(job, pods, active, standing, missing);
  return perIndex
    ? planIndependent(job, indexes, standing, now)
    : { ...NOTHING, create: indexes.map((index) => ({ index })) };
}

function wantActive(job: Job, succeeded: number, active: number): number {
  const { completions, parallelism = 1 } = job.spec;
  if (completions === undefined) return succeeded > 0 ? active : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

/** At least `count` pods to remove: first those without an index of their own, then by rank. */
function surplus(job: Job, active: readonly Pod[], count: number, now: number): Pod[] {
  const ordered = deletionOrder(active, [], now);
  if (!isIndexed(job)) return ordered.slice(0, count);
  const best = new Map<number, Pod>();
  for (const pod of ordered) {
    const index = validIndex(pod, job);
    if (index !== undefined) best.set(index, pod);
  }
  const keep = new Set(best.values());
  const redundant = ordered.filter((pod) => !keep.has(pod));
  const left = ordered.filter((pod) => keep.has(pod));
  return [...redundant, ...left.slice(0, Math.max(0, count - redundant.length))];
}

function pendingIndexes(
  job: Job,
  pods: readonly Pod[],
  active: readonly Pod[],
  standing: Standing,
  count: number,
): number[] {
  const taken = indexesOf(active);
  if (replacesFailedOnly(job)) {
    for (const pod of pods) {
      const index = indexOf(pod);
      if (index !== undefined && isPodTerminating(pod)) taken.add(index);
    }
  }
  const done = mergeIntervals(standing.succeededIndexes, standing.failedIndexes ?? []);
  return firstMissing(withNumbers(done, taken), count, job.spec.completions ?? 0);
}

/** Indexes with a limit of their own wait each for itself. */
function planIndependent(job: Job, indexes: readonly number[], standing: Standing, now: number): PodsPlan {
  const pauses = new Map(indexes.map((index) => [index, indexPause(standing.awaiting.get(index), now)]));
  const ready = indexes.filter((index) => pauses.get(index) === 0);
  if (ready.length > 0) {
    const create = ready.map((index) => ({ index, failures: nextFailures(job, standing.awaiting.get(index)) }));
    return { ...NOTHING, create };
  }
  return pauses.size === 0 ? NOTHING : { ...NOTHING, pause: Math.min(...pauses.values()) };
}

function indexPause(last: Pod | undefined, now: number): number {
  if (last === undefined) return 0;
  return remainingPause({ failures: allFailuresBefore(last) + 1, lastFailure: finishedAt(last) }, now);
}

function nextFailures(job: Job, replaced: Pod | undefined): { counted: number; ignored: number } {
  if (replaced === undefined) return { counted: 0, ignored: 0 };
  const { counts } = judgeFailure(job.spec.podFailurePolicy, replaced);
  const counted = failuresBefore(replaced);
  const ignored = allFailuresBefore(replaced) - counted;
  return counts ? { counted: counted + 1, ignored } : { counted, ignored: ignored + 1 };
}
