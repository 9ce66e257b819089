import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";

const TWO = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, "0"));
const DAY = 86_400;

/** metav1.Time of milliseconds since the epoch: `2026-01-02T03:04:05Z`, cut to seconds. */
export function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const days = Math.floor(seconds / DAY);
  const rest = seconds - days * DAY;
  if (!(days > -700_000 && days < 2_900_000)) return `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return `${formatDay(days)}T${TWO[Math.floor(rest / 3600)]}:${TWO[Math.floor(rest / 60) % 60]}:${TWO[rest % 60]}Z`;
}

/** The calendar day of a count of days since 1970 (Hinnant's algorithm; the year has four digits). */
function formatDay(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * march + 2) / 5) + 1;
  const month = march < 10 ? march + 3 : march - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${TWO[Math.floor(year / 100)]}${TWO[year % 100]}-${TWO[month]}-${TWO[day]}`;
}

/** metav1.MicroTime: `2026-01-02T03:04:05.000006Z`. `micros` (0–999) adds what milliseconds cannot say. */
export function formatMicroTime(ms: number, micros = 0): string {
  return `${new Date(Math.floor(ms)).toISOString().slice(0, 23)}${String(micros).padStart(3, "0")}Z`;
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/**
 * Milliseconds since the epoch of an RFC 3339 text (whole milliseconds; smaller parts are cut).
 * Throws {@link ParseError} in the words of Go's `time.Parse`.
 */
export function parseTime(text: string): number {
  const found = RFC3339.exec(text);
  if (!found) throw notLike(text, LAYOUT);
  return toMs(text, found);
}

/** {@link parseTime} of a metav1.MicroTime, which must have exactly six digits after the second. */
export function parseMicroTime(text: string): number {
  const found = RFC3339.exec(text);
  if (found?.[7]?.length !== 6) throw notLike(text, MICRO_LAYOUT);
  return toMs(text, found);
}

function toMs(text: string, found: RegExpExecArray): number {
  const [, year = "", month = "", day = "", hour = "", minute = "", second = "", fraction = "", zone = "Z"] = found;
  const [m, d, h, min, s] = [+month, +day, +hour, +minute, +second];
  const wrong = outOfRange(+year, m, d, h, min, s);
  if (wrong) throw new ParseError(`parsing time ${quote(text)}: ${wrong} out of range`);
  const date = new Date(0);
  date.setUTCFullYear(+year, m - 1, d);
  date.setUTCHours(h, min, s, +`${fraction}000`.slice(0, 3));
  return date.getTime() - offset(zone);
}

/** Whether the text is a time just as Go prints it, of a day that every month has. Much cheaper than parsing. */
export function isPlainTime(text: string): boolean {
  return plainTimeMs(text) !== undefined;
}

/** {@link parseTime} of such a text; undefined for all others. */
export function plainTimeMs(text: string): number | undefined {
  if (text.length !== 20 || text.charCodeAt(19) !== 0x5a || text.charCodeAt(10) !== 0x54) return undefined;
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d) return undefined;
  if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28)) return undefined;
  const [hour, minute, second] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
  return hour < 24 && minute < 60 && second < 60 ? Date.UTC(year, month - 1, day, hour, minute, second) : undefined;
}

/** Two digits as a number; NaN when they are none, so that every comparison with it fails. */
function twoDigits(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - 0x30, text.charCodeAt(at + 1) - 0x30];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

const PRINTED_MICRO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const ZERO = /^0001-01-01T00:00:00(?:\.0+)?Z$/;

/** A time as Go prints it back: UTC, whole seconds; null for Go's zero time. */
export function canonicalTime(text: string): string | null {
  if (text.startsWith("0001-") && ZERO.test(text)) return null;
  return isPlainTime(text) ? text : formatTime(parseTime(text));
}

/** A MicroTime as Go prints it back: UTC, six digits; null for Go's zero time. */
export function canonicalMicroTime(text: string): string | null {
  if (text.startsWith("0001-") && ZERO.test(text)) return null;
  if (PRINTED_MICRO.test(text)) return text;
  const ms = parseMicroTime(text);
  return formatMicroTime(ms, Number(RFC3339.exec(text)?.[7]?.slice(3)));
}

/** {@link parseTime}, or undefined for no text and for a text that is no time. */
export function tryParseTime(text: string | undefined | null): number | undefined {
  if (typeof text !== "string" || !RFC3339.test(text)) return undefined;
  try {
    return parseTime(text);
  } catch {
    return undefined;
  }
}

function offset(zone: string): number {
  if (zone === "Z") return 0;
  const minutes = +zone.slice(1, 3) * 60 + +zone.slice(4);
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

function outOfRange(year: number, month: number, day: number, h: number, m: number, s: number): string | undefined {
  if (month < 1 || month > 12) return "month";
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  if (day < 1 || day > days) return "day";
  if (h > 23) return "hour";
  if (m > 59) return "minute";
  return s > 59 ? "second" : undefined;
}

type Layout = readonly (readonly [pattern: RegExp, layout: string])[];

const UNTIL_SECOND: Layout = [
  [/^\d{4}/, "2006"],
  [/^-/, "-"],
  [/^\d\d/, "01"],
  [/^-/, "-"],
  [/^\d\d/, "02"],
  [/^T/, "T"],
  [/^\d\d/, "15"],
  [/^:/, ":"],
  [/^\d\d/, "04"],
  [/^:/, ":"],
];
const ZONE: Layout = [[/^(?:Z|[+-]\d\d:\d\d)/, "Z07:00"]];
const LAYOUT: Layout = [...UNTIL_SECOND, [/^\d\d(?:[.,]\d+)?/, "05"], ...ZONE];
const MICRO_LAYOUT: Layout = [...UNTIL_SECOND, [/^\d\d/, "05"], [/^\.\d{6}/, ".000000"], ...ZONE];

/** Go's words for the first part of a text that does not follow the layout. */
function notLike(text: string, layout: Layout): ParseError {
  const whole = layout.map(([, part]) => part).join("");
  return new ParseError(`parsing time ${quote(text)} as ${quote(whole)}: ${whyNot(text, layout)}`);
}

function whyNot(text: string, layout: Layout): string {
  let rest = text;
  for (const [pattern, part] of layout) {
    const found = pattern.exec(rest);
    if (!found) return `cannot parse ${quote(rest)} as ${quote(part)}`;
    rest = rest.slice(found[0].length);
  }
  return `extra text: ${quote(rest)}`;
}
