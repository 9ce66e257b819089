import type { batchv1, corev1, Draft } from "../../api/index.ts";
import { errorText } from "../../kit/index.ts";
import { formatTime, newControllerRef, parseTime, quote, tryParseTime } from "../../machinery/index.ts";
import { ImpossibleSchedule, isZone, missed, type Missed, namesZone, scheduleOf, untilNext } from "./schedule.ts";
import { toLocal, UTC, zoneOf } from "./zone.ts";

type CronJob = batchv1.CronJob;
type Job = batchv1.Job;

/** Something to tell in an event. */
export interface Report {
  readonly warning: boolean;
  readonly reason: string;
  readonly message: string;
}

/** What is to be done now. */
export interface Decision {
  readonly reports: readonly Report[];
  /** The scheduled time whose Job is to be created. */
  readonly start?: number;
  /** When to look again, in milliseconds. Absent: when something changes. */
  readonly after?: number;
}

const SECOND = 1000;
const SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp";

const normal = (reason: string, message: string): Report => ({ warning: false, reason, message });
const warning = (reason: string, message: string): Report => ({ warning: true, reason, message });

/** How a Job ended, when it did. */
export function outcome({ status }: Job): "Complete" | "Failed" | undefined {
  for (const { type, status: value } of status.conditions ?? []) {
    if (value === "True" && (type === "Complete" || type === "Failed")) return type;
  }
  return undefined;
}

/** Finished Jobs beyond what the history limits keep, oldest first. */
export function outdated({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const beyond = (ended: string, limit: number | undefined): Job[] => {
    const finished = jobs.filter((job) => outcome(job) === ended && job.metadata.deletionTimestamp === undefined);
    if (limit === undefined || finished.length <= limit) return [];
    return finished.toSorted(byStart).slice(0, finished.length - limit);
  };
  return [...beyond("Complete", spec.successfulJobsHistoryLimit), ...beyond("Failed", spec.failedJobsHistoryLimit)];
}

/** Jobs that never started come last. */
function byStart(a: Job, b: Job): number {
  const [x, y] = [tryParseTime(a.status.startTime) ?? Infinity, tryParseTime(b.status.startTime) ?? Infinity];
  if (x !== y) return x - y;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The status after looking at the Jobs: what has ended is no longer active, and the last success is noted. */
export function observe(cronJob: CronJob, jobs: readonly Job[]): { status: batchv1.CronJobStatus; reports: Report[] } {
  const reports: Report[] = [];
  const active = new Map((cronJob.status.active ?? []).map((reference) => [reference.uid, reference]));
  let { lastSuccessfulTime } = cronJob.status;
  for (const job of jobs) {
    const { uid, name } = job.metadata;
    const ended = outcome(job);
    if (ended === undefined) {
      if (active.has(uid)) continue;
      reports.push(warning("UnexpectedJob", `Saw a job that the controller did not create or forgot: ${name}`));
      continue;
    }
    if (active.delete(uid)) {
      reports.push(normal("SawCompletedJob", `Saw completed job: ${name}, condition: ${ended}`));
    }
    if (ended === "Complete") lastSuccessfulTime = later(lastSuccessfulTime, job.status.completionTime);
  }
  const kept = withActive(cronJob.status, [...active.values()]);
  return { status: lastSuccessfulTime === undefined ? kept : { ...kept, lastSuccessfulTime }, reports };
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return parseTime(b) > parseTime(a) ? b : a;
}

/** The status with another list of active Jobs. */
export function withActive(status: batchv1.CronJobStatus, active: corev1.ObjectReference[]): batchv1.CronJobStatus {
  const changed = { ...status, active };
  if (active.length === 0) delete (changed as batchv1.CronJobStatus).active;
  return changed;
}

/** What the schedule asks for at the moment `now`. */
export function decide(cronJob: CronJob, now: number): Decision {
  const { spec, metadata } = cronJob;
  if (metadata.deletionTimestamp !== undefined) return { reports: [] };
  if (spec.timeZone !== undefined && !isZone(spec.timeZone)) {
    const message = `invalid timeZone: ${quote(spec.timeZone)}: unknown time zone ${spec.timeZone}`;
    return { reports: [warning("UnknownTimeZone", message)] };
  }
  if (spec.suspend === true) return { reports: [] };
  const reports: Report[] = [];
  if (namesZone(spec.schedule)) reports.push(warning("UnsupportedSchedule", unsupported(spec.schedule)));
  try {
    return decideScheduled(cronJob, now, reports);
  } catch (error) {
    const impossible = error instanceof ImpossibleSchedule;
    const reason = impossible ? "InvalidSchedule" : "UnparseableSchedule";
    const message = impossible
      ? `invalid schedule: ${spec.schedule} : ${error.message}`
      : `unparseable schedule: ${quote(spec.schedule)} : ${errorText(error)}`;
    return { reports: [...reports, warning(reason, message)] };
  }
}

function unsupported(schedule: string): string {
  const page = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/";
  return `CRON_TZ or TZ used in schedule ${quote(schedule)} is not officially supported, see ${page} for more details`;
}

function decideScheduled(cronJob: CronJob, now: number, reports: Report[]): Decision {
  const { spec, status } = cronJob;
  const schedule = scheduleOf(cronJob);
  const due = missed(cronJob, schedule, now, true);
  const after = untilNext(cronJob, schedule, now);
  const wait: Decision = { reports, ...(after === undefined ? {} : { after }) };
  if (due.recent === undefined) return wait;
  reports.push(...tooMany(due));
  const { startingDeadlineSeconds } = spec;
  if (startingDeadlineSeconds !== undefined && due.recent + startingDeadlineSeconds * SECOND < now) {
    const time = new Date(due.recent).toUTCString().replace("GMT", "+0000");
    reports.push(warning("MissSchedule", `Missed scheduled time to start a job: ${time}`));
    return wait;
  }
  const name = jobName(cronJob, due.recent);
  const last = tryParseTime(status.lastScheduleTime);
  if (last === due.recent || status.active?.some((job) => job.name === name) === true) return wait;
  if (spec.concurrencyPolicy === "Forbid" && (status.active?.length ?? 0) > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    reports.push(normal("JobAlreadyActive", message));
    return wait;
  }
  return { ...wait, start: due.recent };
}

function tooMany({ many }: Missed): Report[] {
  const message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
  return many ? [warning("TooManyMissedTimes", message)] : [];
}

/** The same for the same time, so that no time can be served twice. */
function jobName({ metadata }: CronJob, at: number): string {
  return `${metadata.name}-${Math.floor(at / (60 * SECOND))}`;
}

/** The Job of the scheduled time `at`. */
export function jobAt(cronJob: CronJob, at: number): Draft<Job> & { metadata: { name: string; namespace: string } } {
  const { jobTemplate, timeZone } = cronJob.spec;
  const { labels, annotations } = jobTemplate.metadata ?? {};
  return {
    metadata: {
      name: jobName(cronJob, at),
      namespace: cronJob.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [SCHEDULED_AT]: localTime(at, timeZone ?? "") },
      ownerReferences: [newControllerRef(cronJob, ["batch", "v1", "CronJob"])],
    },
    spec: jobTemplate.spec ?? {},
  };
}

/** RFC 3339 on the clock of a zone. */
function localTime(at: number, zoneName: string): string {
  const zone = zoneName === "" ? UTC : zoneOf(zoneName);
  const offset = Math.round(zone.offsetAt(at) / 60 / SECOND);
  if (offset === 0) return formatTime(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const { year, month, day, hour, minute, second } = toLocal(zone, at);
  const size = Math.abs(offset);
  const suffix = `${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${suffix}`;
}
