import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";

/** metav1.Time of milliseconds since the epoch: `2026-01-02T03:04:05Z`, cut to seconds. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
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
  if (!found) throw new ParseError(`parsing time ${quote(text)} as "2006-01-02T15:04:05Z07:00": ${whyNot(text)}`);
  const [, year = "", month = "", day = "", hour = "", minute = "", second = "", fraction = "", zone = "Z"] = found;
  const [m, d, h, min, s] = [+month, +day, +hour, +minute, +second];
  const wrong = outOfRange(+year, m, d, h, min, s);
  if (wrong) throw new ParseError(`parsing time ${quote(text)}: ${wrong} out of range`);
  const date = new Date(0);
  date.setUTCFullYear(+year, m - 1, d);
  date.setUTCHours(h, min, s, +`${fraction}000`.slice(0, 3));
  return date.getTime() - offset(zone);
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

const LAYOUT: readonly (readonly [pattern: RegExp, layout: string])[] = [
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
  [/^\d\d(?:[.,]\d+)?/, "05"],
  [/^(?:Z|[+-]\d\d:\d\d)/, "Z07:00"],
];

function whyNot(text: string): string {
  let rest = text;
  for (const [pattern, layout] of LAYOUT) {
    const found = pattern.exec(rest);
    if (!found) return `cannot parse ${quote(rest)} as ${quote(layout)}`;
    rest = rest.slice(found[0].length);
  }
  return `extra text: ${quote(rest)}`;
}
