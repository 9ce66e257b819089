import type { batchv1 } from "../../api/index.ts";
import { parseTime } from "../../machinery/index.ts";
import { parseSchedule, type Schedule } from "./cron.ts";
import { zoneOf } from "./zone.ts";

type CronJob = batchv1.CronJob;

const SECOND = 1000;
/** Added to every wait, against clocks that are a little off. */
const PADDING = 100;
const MANY = 100;

/** A schedule that never comes, or too often: nothing follows from it. */
export class ImpossibleSchedule extends Error {}

/** What was due and has not been started. */
export interface Missed {
  /** From when on times count. */
  readonly earliest: number;
  /** The last time due; `undefined` when none was. */
  readonly recent: number | undefined;
  readonly many: boolean;
  readonly any: boolean;
}

/** The schedule of a CronJob in its own time zone. Throws a ParseError. */
export function scheduleOf({ spec }: CronJob): Schedule {
  const { schedule, timeZone } = spec;
  if (namesZone(schedule) || timeZone === undefined || !isZone(timeZone)) return parseSchedule(schedule);
  return parseSchedule(`TZ=${timeZone} ${schedule}`);
}

/** Whether the schedule itself names a time zone, which works but is not supported. */
export function namesZone(schedule: string): boolean {
  return schedule.includes("TZ");
}

/** Whether there is a time zone of this name. */
export function isZone(name: string): boolean {
  try {
    zoneOf(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * What was due since the last start (or the creation), by the length of the first interval: regular schedules may be
 * years behind without costing anything. With `deadline`, times too old to be started do not count.
 */
export function missed(cronJob: CronJob, schedule: Schedule, now: number, deadline: boolean): Missed {
  const earliest = earliestStart(cronJob, now, deadline);
  const first = schedule.next(earliest);
  const second = first === undefined ? undefined : schedule.next(first);
  if (first !== undefined && now < first) return { earliest, recent: undefined, many: false, any: false };
  if (first !== undefined && (second === undefined || now < second)) {
    return { earliest, recent: first, many: false, any: false };
  }
  const interval = first === undefined || second === undefined ? 0 : Math.round((second - first) / SECOND);
  if (first === undefined || interval < 1) {
    throw new ImpossibleSchedule("time difference between two schedules is less than 1 second");
  }
  const count = Math.floor((now - first) / SECOND / interval) + 1;
  let recent: number | undefined;
  let next = schedule.next(first + (count - 2) * interval * SECOND);
  while (next !== undefined && next <= now) {
    recent = next;
    next = schedule.next(next);
  }
  return { earliest, recent, many: count > MANY, any: count > 0 };
}

function earliestStart({ metadata, status, spec }: CronJob, now: number, deadline: boolean): number {
  const since = parseTime(status.lastScheduleTime ?? metadata.creationTimestamp);
  if (!deadline || spec.startingDeadlineSeconds === undefined) return since;
  return Math.max(since, now - spec.startingDeadlineSeconds * SECOND);
}

/** Milliseconds until the next start; `undefined` when there is none. */
export function untilNext(cronJob: CronJob, schedule: Schedule, now: number): number | undefined {
  const next = schedule.next(lastTime(cronJob, schedule, now));
  return next === undefined ? undefined : next + PADDING - now;
}

function lastTime(cronJob: CronJob, schedule: Schedule, now: number): number {
  try {
    const { earliest, recent, any } = missed(cronJob, schedule, now, false);
    return recent ?? (any ? now : earliest);
  } catch (error) {
    if (error instanceof ImpossibleSchedule) return now;
    throw error;
  }
}
