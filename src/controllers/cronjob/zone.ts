/** A moment on the clock of a place. `month` from 1, `weekday` from Sunday as 0. */
export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly weekday: number;
}

const SECOND = 1000;

/** The rules by which clocks go at a place. */
export interface Zone {
  /** What the clock shows, in milliseconds as if it were UTC, minus UTC. */
  offsetAt(ms: number): number;
}

export const UTC: Zone = { offsetAt: () => 0 };

/** The zone of an IANA name. Throws a RangeError for one that is unknown. */
export function zoneOf(name: string): Zone {
  if (name === "" || name === "UTC" || name === "Etc/UTC") return UTC;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: name,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return {
    offsetAt: (ms) => {
      const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
      return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / SECOND) * SECOND;
    },
  };
}

/** What the clock of a zone shows at a moment. */
export function toLocal(zone: Zone, ms: number): LocalTime {
  const date = new Date(ms + zone.offsetAt(ms));
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
  };
}

/**
 * The moment at which the clock of a zone shows this; parts may overflow (`month` 13 is January of the next year). Of a time that
 * is skipped or comes twice the same choice as Go's time.Date makes.
 */
export function fromLocal(
  zone: Zone,
  [year, month, day, hour = 0, minute = 0, second = 0]: readonly [number, number, number, number?, number?, number?],
): number {
  const shown = Date.UTC(year, month - 1, day, hour, minute, second);
  const offset = zone.offsetAt(shown);
  const guess = shown - offset;
  const actual = zone.offsetAt(guess);
  return actual === offset ? guess : shown - actual;
}
