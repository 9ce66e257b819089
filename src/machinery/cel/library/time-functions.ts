import { method, type Overload } from "../functions.ts";
import { DURATION, INT, STRING, TIMESTAMP } from "../types.ts";
import { CelError, type Duration, type Timestamp } from "../values.ts";

type Part = (date: Date, nanos: bigint) => number;

const DAY_MS = 86_400_000;
const modulo = (a: bigint, b: bigint): bigint => ((a % b) + b) % b;

const PARTS: Readonly<Record<string, Part>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (_, nanos) => Number(modulo(nanos, 1_000_000_000n) / 1_000_000n),
};

/** How far a zone is from UTC at a moment, ms: `+02:00`, `America/New_York`. */
function offsetOf(zone: string, ms: number): number {
  const fixed = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone);
  if (fixed) return (fixed[1] === "-" ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000;
  if (zone === "" || zone === "UTC") return 0;
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
  } catch (error) {
    throw new CelError(`unknown time zone ${zone}`, { cause: error });
  }
}

function partOf(part: Part, time: Timestamp, zone: string): bigint {
  const ms = Number(time.nanos / 1_000_000n - (time.nanos % 1_000_000n < 0n ? 1n : 0n));
  return BigInt(part(new Date(ms + offsetOf(zone, ms)), time.nanos));
}

const SPANS: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
  getMilliseconds: 1_000_000n,
};

/** Parts of times and durations. */
export const timeFunctions: readonly Overload[] = [
  ...Object.entries(PARTS).flatMap(([name, part]) => [
    method(name, [TIMESTAMP], INT, (time) => partOf(part, time as Timestamp, "UTC")),
    method(name, [TIMESTAMP, STRING], INT, (time, zone) => partOf(part, time as Timestamp, zone as string)),
  ]),
  ...Object.entries(SPANS).map(([name, unit]) =>
    method(name, [DURATION], INT, (span) => (span as Duration).nanos / unit),
  ),
];
