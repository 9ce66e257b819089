import type { batchv1, corev1 } from "../../api/index.ts";
import { findCondition } from "../common/conditions.ts";
import { omitEmpty } from "../common/omit-empty.ts";
import { isPodActive, isPodReady } from "../common/pods.ts";
import { countIntervals, formatIntervals, hasNumber, parseIntervals, withNumbers } from "./intervals.ts";
import { countTerminating, indexOf, isFailed, isIndexed, isTracked, validIndex } from "./job-pods.ts";
import { isSuspended, jobCondition, type Standing } from "./plan.ts";
import { judgeFailure } from "./policies.ts";

type Job = batchv1.Job;
type Pod = corev1.Pod;
type Status = batchv1.JobStatus;
type Condition = batchv1.JobCondition;

/** The most pods that wait in the status to be counted: their uids must fit into it. */
const MAX_UNCOUNTED = 500;

/** What counting came to: the status to write first, the pods to let go then, and what ends the Job when all is counted. */
export interface Tracking {
  readonly status: Status;
  readonly release: readonly Pod[];
  readonly end: Condition | undefined;
  /** There was more to count than fits. */
  readonly full: boolean;
}

/**
 * Counts pods that ended: first their uids go into the status, then their finalizers go, then the uids become numbers. So
 * no pod is counted twice or not at all, whenever the controller is interrupted.
 */
export function track(
  job: Job,
  pods: readonly Pod[],
  standing: Standing,
  end: Condition | undefined,
  now: number,
): Tracking {
  const ordered = isIndexed(job) ? pods.toSorted((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)) : pods;
  const before = settleCounts(job.status, new Set(pods.filter(isTracked).map((pod) => pod.metadata.uid)));
  const counted = countPods(job, ordered, standing, end, before);
  const conditions = interimConditions(before.conditions, end);
  const active = pods.filter(isPodActive);
  const { ready: _r, terminating: _t, active: _a, ...rest } = before;
  const status: Status = {
    ...rest,
    ...omitEmpty({ active: active.length, conditions }),
    ready: active.filter(isPodReady).length,
    terminating: countTerminating(pods),
    uncountedTerminatedPods: omitEmpty({ succeeded: counted.succeeded, failed: counted.failed }),
  };
  return {
    status: isIndexed(job) ? withIndexes(job, status, standing, counted.indexes) : status,
    release: counted.release,
    end: finalCondition(end, now),
    full: counted.full,
  };
}

interface Counted {
  readonly succeeded: string[];
  readonly failed: string[];
  readonly indexes: number[];
  readonly release: Pod[];
  readonly full: boolean;
}

function countPods(
  job: Job,
  pods: readonly Pod[],
  standing: Standing,
  end: Condition | undefined,
  status: Status,
): Counted {
  const succeeded = [...(status.uncountedTerminatedPods?.succeeded ?? [])];
  const failed = [...(status.uncountedTerminatedPods?.failed ?? [])];
  const known = parseIntervals(status.completedIndexes, job.spec.completions ?? 0);
  const indexes: number[] = [];
  const release: Pod[] = [];
  const failing = end !== undefined && end.type !== "SuccessCriteriaMet";
  for (const pod of pods) {
    const { uid } = pod.metadata;
    if (!isTracked(pod) || !isCountable(job, pod, standing, end)) continue;
    release.push(pod);
    const index = validIndex(pod, job);
    if (pod.status.phase === "Succeeded" && !failed.includes(uid)) {
      if (!isIndexed(job)) {
        if (!succeeded.includes(uid)) succeeded.push(uid);
      } else if (index !== undefined && !hasNumber(known, index)) indexes.push(index);
    } else if ((isFailed(pod, job) || failing) && !failed.includes(uid)) {
      const counts = (!isIndexed(job) || index !== undefined) && judgeFailure(job.spec.podFailurePolicy, pod).counts;
      if (counts) failed.push(uid);
    }
    if (indexes.length + succeeded.length + failed.length >= MAX_UNCOUNTED) {
      return { succeeded, failed, indexes, release, full: true };
    }
  }
  return { succeeded, failed, indexes, release, full: false };
}

/** Whether what becomes of the pod is settled. */
function isCountable(job: Job, pod: Pod, standing: Standing, end: Condition | undefined): boolean {
  if (job.metadata.deletionTimestamp !== undefined || end !== undefined || pod.status.phase === "Succeeded")
    return true;
  if (!isFailed(pod, job)) return false;
  const index = indexOf(pod);
  return index === undefined || standing.awaiting.get(index)?.metadata.uid !== pod.metadata.uid;
}

function withIndexes(job: Job, status: Status, standing: Standing, fresh: readonly number[]): Status {
  const { completedIndexes: _c, failedIndexes: _f, succeeded: _s, ...rest } = status;
  const limit = job.spec.completions ?? 0;
  const completed = withNumbers(parseIntervals(status.completedIndexes, limit), fresh);
  return {
    ...rest,
    ...omitEmpty({ succeeded: countIntervals(completed), completedIndexes: formatIntervals(completed) }),
    ...(standing.failedIndexes === undefined ? {} : { failedIndexes: formatIntervals(standing.failedIndexes) }),
  };
}

/** What is decided stands in the status before anything irreversible is done about it. */
function interimConditions(conditions: readonly Condition[] | undefined, end: Condition | undefined): Condition[] {
  const before = [...(conditions ?? [])];
  if (end?.type === "FailureTarget") return [...before, end];
  const known = findCondition(before, "SuccessCriteriaMet")?.status === "True";
  return end?.type === "SuccessCriteriaMet" && !known ? [...before, end] : before;
}

function finalCondition(end: Condition | undefined, now: number): Condition | undefined {
  if (end?.type === "FailureTarget") return jobCondition("Failed", "True", end.reason ?? "", end.message ?? "", now);
  if (end?.type !== "SuccessCriteriaMet") return end;
  return jobCondition("Complete", "True", end.reason ?? "", end.message ?? "", now);
}

/** Turns uids of pods without finalizer into numbers. `tracked`: the uids of pods that still have theirs. */
export function settleCounts(status: Status, tracked: ReadonlySet<string>): Status {
  const { succeeded: done = [], failed: lost = [] } = status.uncountedTerminatedPods ?? {};
  const succeeded = done.filter((uid) => tracked.has(uid));
  const failed = lost.filter((uid) => tracked.has(uid));
  const { succeeded: _s, failed: _f, ...rest } = status;
  return {
    ...rest,
    ...omitEmpty({
      succeeded: (status.succeeded ?? 0) + done.length - succeeded.length,
      failed: (status.failed ?? 0) + lost.length - failed.length,
    }),
    uncountedTerminatedPods: omitEmpty({ succeeded, failed }),
  };
}

/** The status of a finished Job; `undefined` while pods are still to be counted or going. */
export function finish(status: Status, end: Condition, now: number): Status | undefined {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  if (succeeded.length + failed.length > 0 || (status.terminating ?? 0) > 0) return undefined;
  const conditions = ensureCondition(status.conditions, end.type, "True", end.reason ?? "", end.message ?? "", now);
  const time =
    end.type === "Complete" && end.lastTransitionTime !== undefined ? { completionTime: end.lastTransitionTime } : {};
  return { ...status, conditions: [...conditions], ...time };
}

/** Sets a condition unless it says the same already; one that would be new and False is left out. */
export function ensureCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
  status: string,
  reason: string,
  message: string,
  now: number,
): readonly Condition[] {
  const list = conditions ?? [];
  const known = findCondition(list, type);
  if (known === undefined) {
    return status === "False" ? list : [...list, jobCondition(type, status, reason, message, now)];
  }
  if (known.status === status && known.reason === reason && known.message === message) return list;
  return list.map((condition) => (condition === known ? jobCondition(type, status, reason, message, now) : condition));
}

/** The conditions with Suspended as the spec has it; the same list when nothing changed. */
export function suspension(job: Job, conditions: readonly Condition[] | undefined, now: number): readonly Condition[] {
  return isSuspended(job)
    ? ensureCondition(conditions, "Suspended", "True", "JobSuspended", "Job suspended", now)
    : ensureCondition(conditions, "Suspended", "False", "JobResumed", "Job resumed", now);
}
