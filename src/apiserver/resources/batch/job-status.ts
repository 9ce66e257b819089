import type { batchv1 } from "../../../api/index.ts";
import {
  duplicate,
  invalidValue,
  isConditionTrue,
  parseTime,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { validateCounters } from "../common/workloads.ts";
import { countIndexes, firstCommonIndex } from "./indexes.ts";
import { invalidWithoutValue } from "./job-spec.ts";

type Job = batchv1.Job;

/** The conditions of a job that decide its fate. */
interface Fate {
  readonly complete: boolean;
  readonly failed: boolean;
  readonly failing: boolean;
  readonly succeeding: boolean;
  readonly finished: boolean;
}

function fateOf({ status }: Job): Fate {
  const is = (type: string): boolean => isConditionTrue(status.conditions, type);
  const [complete, failed] = [is("Complete"), is("Failed")];
  return {
    complete,
    failed,
    failing: is("FailureTarget"),
    succeeding: is("SuccessCriteriaMet"),
    finished: complete || failed,
  };
}

/** What is wrong with a job's status and with its change. A rule applies to what changed, not to what was let in before. */
export function validateJobStatus(job: Job, old: Job): Errors {
  const errors: Errors = [];
  const [next, before] = [fateOf(job), fateOf(old)];
  validateCounters(errors, "status", job.status, ["active", "succeeded", "failed", "ready", "terminating"]);
  validateUncounted(errors, job);
  validateFate(errors, job, next, before);
  validateTimes(errors, job, old, [next, before]);
  validateFinished(errors, job, old, [next, before]);
  validateIndexes(errors, job, old);
  validateProgress(errors, job, old, [next, before]);
  return errors;
}

function validateUncounted(errors: Errors, { status }: Job): void {
  const seen = new Set<string>();
  for (const list of ["succeeded", "failed"] as const) {
    for (const [i, uid] of (status.uncountedTerminatedPods?.[list] ?? []).entries()) {
      const at = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === "") errors.push(invalidValue(at, uid, "must not be empty"));
      else if (seen.has(uid)) errors.push(duplicate(at, uid));
      seen.add(uid);
    }
  }
}

function validateFate(errors: Errors, job: Job, next: Fate, before: Fate): void {
  const say = (words: string): void => void errors.push(invalidWithoutValue("status.conditions", words));
  const changed = (field: keyof Fate): boolean => next[field] !== before[field];
  if ((changed("complete") || changed("failed")) && next.complete && next.failed) {
    say("cannot set Complete=True and Failed=true conditions");
  }
  if ((changed("complete") || changed("failing")) && next.complete && next.failing) {
    say("cannot set Complete=True and FailureTarget=true conditions");
  }
  const { failedIndexes } = job.status;
  if ((changed("failed") || failedIndexes !== undefined) && changed("failed") && next.failed && !next.failing) {
    say("cannot set Failed=True condition without the FailureTarget=true condition");
  }
  if ((changed("complete") || changed("succeeding")) && next.complete && !next.succeeding) {
    say("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
  if (next.succeeding && next.failed) say("cannot set SuccessCriteriaMet=True and Failed=true conditions");
  if (next.succeeding && next.failing) say("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  if (job.spec.successPolicy && !next.succeeding && next.complete) {
    say("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
  }
}

type Fates = readonly [next: Fate, before: Fate];

function validateTimes(errors: Errors, { status }: Job, { status: old }: Job, [next, before]: Fates): void {
  const at = "status.completionTime";
  const { completionTime, startTime } = status;
  const completionChanged = completionTime !== old.completionTime;
  if (next.complete !== before.complete || completionChanged) {
    if (completionTime !== undefined && !next.complete) {
      const words = "cannot set completionTime when there is no Complete=True condition";
      errors.push(invalidValue(at, completionTime, words));
    }
    if (completionTime === undefined && next.complete) {
      errors.push(required(at, "completionTime is required for Complete jobs"));
    }
  }
  const ordered =
    startTime === undefined || completionTime === undefined || parseTime(completionTime) >= parseTime(startTime);
  if (!ordered && (completionChanged || startTime !== old.startTime)) {
    errors.push(invalidValue(at, completionTime, "must be equal to or after `startTime`"));
  }
}

function validateFinished(errors: Errors, job: Job, old: Job, [next, before]: Fates): void {
  if (!next.finished) return;
  const { status } = job;
  const ended = !before.finished;
  if ((ended || status.active !== old.status.active) && (status.active ?? 0) > 0) {
    errors.push(invalidValue("status.active", status.active, "active>0 is invalid for finished job"));
  }
  const empty = job.spec.suspend === true && job.spec.completions === 0;
  if ((ended || status.startTime !== old.status.startTime) && !empty && status.startTime === undefined) {
    errors.push(required("status.startTime", "startTime is required for finished job"));
  }
  const uncounted = status.uncountedTerminatedPods;
  const left = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0);
  if ((ended || !semanticEqual(uncounted, old.status.uncountedTerminatedPods)) && left > 0) {
    errors.push(invalidValue("status.uncountedTerminatedPods", uncounted, "must be empty for finished job"));
  }
  if ((ended || status.terminating !== old.status.terminating) && (status.terminating ?? 0) > 0) {
    const words = "terminating>0 is invalid for finished job";
    errors.push(invalidValue("status.terminating", status.terminating, words));
  }
}

function validateIndexes(errors: Errors, { spec, status }: Job, { status: old }: Job): void {
  const { completedIndexes = "", failedIndexes } = status;
  const completedChanged = completedIndexes !== (old.completedIndexes ?? "");
  const failedChanged = failedIndexes !== old.failedIndexes;
  const completions = spec.completions;
  const parse = (field: string, text: string): void => {
    const parsed = completions === undefined ? 0 : countIndexes(text, completions);
    if (typeof parsed === "string") {
      errors.push(invalidValue(`status.${field}`, text, `error parsing ${field}: ${parsed}`));
    }
  };
  if (completedChanged) {
    parse("completedIndexes", completedIndexes);
    if (completedIndexes !== "" && spec.completionMode !== "Indexed") {
      const words = "cannot set non-empty completedIndexes when non-indexed completion mode";
      errors.push(invalidValue("status.completedIndexes", completedIndexes, words));
    }
  }
  if (failedChanged && failedIndexes !== undefined) {
    if (spec.backoffLimitPerIndex !== undefined) parse("failedIndexes", failedIndexes);
    else {
      const words = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
      errors.push(invalidValue("status.failedIndexes", failedIndexes, words));
    }
  }
  if ((completedChanged || failedChanged) && completions !== undefined && failedIndexes !== undefined) {
    const common = firstCommonIndex(completedIndexes, failedIndexes, completions);
    if (common !== undefined) {
      const words = `failedIndexes and completedIndexes overlap at index: ${common}`;
      errors.push(invalidValue("status.failedIndexes", failedIndexes, words));
    }
  }
}

function validateProgress(errors: Errors, job: Job, old: Job, [next, before]: Fates): void {
  const { status, spec } = job;
  const was = old.status;
  if ((status.ready !== was.ready || status.active !== was.active) && (status.ready ?? 0) > (status.active ?? 0)) {
    errors.push(invalidValue("status.ready", status.ready, "cannot set more ready pods than active"));
  }
  const terminal = [
    ["Failed", "failed"],
    ["Complete", "complete"],
    ["FailureTarget", "failing"],
    ["SuccessCriteriaMet", "succeeding"],
  ] as const;
  for (const [type, field] of terminal) {
    if (!before[field] || next[field]) continue;
    const kind = type === "SuccessCriteriaMet" ? "the" : "the terminal";
    errors.push(invalidWithoutValue("status.conditions", `cannot disable ${kind} ${type}=True condition`));
  }
  if (before.complete && !before.succeeding && next.succeeding) {
    const words = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
    errors.push(invalidWithoutValue("status.conditions", words));
  }
  if ((status.failed ?? 0) < (was.failed ?? 0)) {
    errors.push(invalidValue("status.failed", status.failed ?? 0, "cannot decrease the failed counter"));
  }
  const elastic = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (!elastic && (status.succeeded ?? 0) < (was.succeeded ?? 0)) {
    errors.push(invalidValue("status.succeeded", status.succeeded ?? 0, "cannot decrease the succeeded counter"));
  }
  if (status.completionTime !== undefined && was.completionTime !== undefined) {
    if (status.completionTime !== was.completionTime) {
      errors.push(invalidValue("status.completionTime", status.completionTime, "field is immutable"));
    }
  }
  const suspended = (o: Job, value: string): boolean =>
    (o.status.conditions ?? []).some((c) => c.type === "Suspended" && c.status === value);
  const resuming = suspended(old, "True") && suspended(job, "False");
  if (was.startTime !== undefined && was.startTime !== status.startTime && !resuming && !spec.suspend) {
    errors.push(required("status.startTime", "startTime cannot be removed for unsuspended job"));
  }
}
