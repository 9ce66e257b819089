import { errorText } from "../../kit/index.ts";
import { parseDuration, ParseError, quote } from "../../machinery/index.ts";
import { fromLocal, type LocalTime, toLocal, UTC, type Zone, zoneOf } from "./zone.ts";

/** A schedule: when it is due next. */
export interface Schedule {
  /** The first moment after `ms` at which it is due, in milliseconds; `undefined` for never (within five years). */
  next(ms: number): number | undefined;
}

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const YEARS_AHEAD = 5;

/** The values that a field allows, and whether it was left open by a star: that matters for days. */
interface Values {
  readonly set: ReadonlySet<number>;
  readonly open: boolean;
}

/**
 * Reads what upstream's parser reads: five fields, names, ranges, steps, `@daily` and its like, `@every 1h30m`, and
 * a `TZ=` or `CRON_TZ=` prefix. Without a zone the clock is UTC's. Throws {@link ParseError} in upstream's words.
 */
export function parseSchedule(text: string): Schedule {
  if (text === "") throw new ParseError("empty spec string");
  const zoned = /^(?:CRON_)?TZ=(\S*)\s+(.*)$/s.exec(text);
  const zone = zoned === null ? UTC : namedZone(zoned[1] ?? "");
  const rest = zoned === null ? text : (zoned[2] ?? "").trim();
  if (rest.startsWith("@")) return parseDescriptor(rest, zone);
  return parseFields(rest, zone);
}

function namedZone(name: string): Zone {
  try {
    return zoneOf(name);
  } catch {
    throw new ParseError(`provided bad location ${name}: unknown time zone ${name}`);
  }
}

function parseDescriptor(text: string, zone: Zone): Schedule {
  const spec = DESCRIPTORS[text];
  if (spec !== undefined) return parseFields(spec, zone);
  const every = /^@every (.*)$/s.exec(text)?.[1];
  if (every === undefined) throw new ParseError(`unrecognized descriptor: ${text}`);
  const ms = Math.max(SECOND, Math.floor(intervalOf(every, text) / SECOND) * SECOND);
  return { next: (from) => Math.floor(from / SECOND) * SECOND + ms };
}

function intervalOf(text: string, descriptor: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new ParseError(`failed to parse duration ${descriptor}: ${errorText(error)}`);
  }
}

function parseFields(text: string, zone: Zone): Schedule {
  const fields = text.split(/\s+/).filter((field) => field !== "");
  if (fields.length !== FIELDS.length) {
    throw new ParseError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  }
  const [minute, hour, day, month, weekday] = FIELDS.map((field, i) => parseField(fields[i] ?? "", field));
  if (!minute || !hour || !day || !month || !weekday) throw new ParseError(`cannot read schedule ${quote(text)}`);
  return new FieldSchedule({ minute, hour, day, month, weekday }, zone);
}

function parseField(text: string, field: Field): Values {
  const set = new Set<number>();
  let open = false;
  for (const part of text.split(",").filter((p) => p !== "")) {
    const range = parseRange(part, field);
    for (let value = range.start; value <= range.end; value += range.step) set.add(value);
    if (range.open) open = true;
  }
  return { set, open };
}

function parseRange(text: string, field: Field): { start: number; end: number; step: number; open: boolean } {
  const [range = "", stepText, ...moreSlashes] = text.split("/");
  const [low = "", high, ...moreHyphens] = range.split("-");
  if (moreSlashes.length > 0) throw new ParseError(`too many slashes: ${text}`);
  const star = low === "*" || low === "?";
  if (!star && moreHyphens.length > 0) throw new ParseError(`too many hyphens: ${text}`);
  const start = star ? field.min : parseValue(low, field);
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  let end = star ? field.max : high === undefined ? start : parseValue(high, field);
  // `5/15` means from 5 on.
  if (!star && high === undefined && stepText !== undefined) end = field.max;
  if (start < field.min) throw new ParseError(`beginning of range (${start}) below minimum (${field.min}): ${text}`);
  if (end > field.max) throw new ParseError(`end of range (${end}) above maximum (${field.max}): ${text}`);
  if (start > end) throw new ParseError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new ParseError(`step of range should be a positive number: ${text}`);
  return { start, end, step, open: star && step <= 1 };
}

function parseValue(text: string, { names, min }: Field): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  return named < 0 ? parseNumber(text) : named + min;
}

function parseNumber(text: string): number {
  if (/^-[0-9]+$/.test(text)) throw new ParseError(`negative number (${text}) not allowed: ${text}`);
  if (!/^\+?[0-9]+$/.test(text)) {
    throw new ParseError(`failed to parse int from ${text}: strconv.Atoi: parsing ${quote(text)}: invalid syntax`);
  }
  return Number(text);
}

interface Fields {
  readonly minute: Values;
  readonly hour: Values;
  readonly day: Values;
  readonly month: Values;
  readonly weekday: Values;
}

class FieldSchedule implements Schedule {
  readonly #fields: Fields;
  readonly #zone: Zone;

  constructor(fields: Fields, zone: Zone) {
    this.#fields = fields;
    this.#zone = zone;
  }

  /** Walks from month to day to hour to minute, beginning anew whenever a larger unit turns over. */
  next(ms: number): number | undefined {
    let at = Math.floor(ms / SECOND) * SECOND + SECOND;
    const limit = toLocal(this.#zone, at).year + YEARS_AHEAD;
    for (;;) {
      const local = toLocal(this.#zone, at);
      if (local.year > limit) return undefined;
      const { year, month, day, hour } = local;
      if (!this.#fields.month.set.has(month)) at = fromLocal(this.#zone, [year, month + 1, 1]);
      else if (!this.#dayMatches(local)) at = this.#nextDay(local);
      else if (!this.#fields.hour.set.has(hour)) at = fromLocal(this.#zone, [year, month, day, hour]) + HOUR;
      else if (!this.#fields.minute.set.has(local.minute)) at = Math.floor(at / MINUTE) * MINUTE + MINUTE;
      else if (local.second !== 0) at += (60 - local.second) * SECOND;
      else return at;
    }
  }

  /** With both days restricted either is enough. */
  #dayMatches({ day, weekday }: LocalTime): boolean {
    const [byDay, byWeekday] = [this.#fields.day.set.has(day), this.#fields.weekday.set.has(weekday)];
    return this.#fields.day.open || this.#fields.weekday.open ? byDay && byWeekday : byDay || byWeekday;
  }

  /** Midnight of the next day, or what is nearest to it where clocks change then. */
  #nextDay({ year, month, day }: LocalTime): number {
    const at = fromLocal(this.#zone, [year, month, day + 1]);
    const { hour } = toLocal(this.#zone, at);
    return hour > 12 ? at + (24 - hour) * HOUR : at - hour * HOUR;
  }
}
