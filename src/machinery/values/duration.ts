import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";

/** Nanoseconds a unit. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const PART = /([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/y;
const MAX_NS = 2 ** 63;

/** Milliseconds (fractions kept) of a Go duration such as `1h2m3.5s`. Throws {@link ParseError} in Go's words. */
export function parseDuration(text: string): number {
  const bad = (why: string): ParseError => new ParseError(`time: ${why} ${quote(text)}`);
  let rest = text;
  const negative = rest.startsWith("-");
  if (negative || rest.startsWith("+")) rest = rest.slice(1);
  if (rest === "0") return 0;
  if (rest === "") throw bad("invalid duration");
  let nanos = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < rest.length) {
    const [, whole = "", fraction, unit = ""] = PART.exec(rest) ?? [];
    if (whole === "" && !fraction) throw bad("invalid duration");
    if (unit === "") throw bad("missing unit in duration");
    const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (factor === undefined) throw bad(`unknown unit ${quote(unit)} in duration`);
    nanos += Number(whole || "0") * factor + Math.trunc(Number(`0.${fraction || "0"}`) * factor);
    if (nanos > MAX_NS) throw bad("invalid duration");
  }
  return (negative ? -nanos : nanos) / 1e6;
}

/** A duration as Go prints it: `1h2m3s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(ms: number): string {
  const nanos = Math.round(Math.abs(ms) * 1e6);
  if (nanos === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  if (nanos < 1e3) return `${sign}${nanos}ns`;
  if (nanos < 1e6) return `${sign}${decimals(nanos, 3)}µs`;
  if (nanos < 1e9) return `${sign}${decimals(nanos, 6)}ms`;
  const seconds = decimals(nanos % 60e9, 9);
  const minutes = Math.floor(nanos / 60e9);
  if (minutes === 0) return `${sign}${seconds}s`;
  if (minutes < 60) return `${sign}${minutes}m${seconds}s`;
  return `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`;
}

/** `value / 10^places` without rounding and without trailing zeros. */
function decimals(value: number, places: number): string {
  const unit = 10 ** places;
  const fraction = String(value % unit)
    .padStart(places, "0")
    .replace(/0+$/, "");
  return `${Math.floor(value / unit)}${fraction === "" ? "" : `.${fraction}`}`;
}

const STEPS = [
  { above: 8 * 365 * 86400, units: [[365 * 86400, "y"]] },
  {
    above: 2 * 365 * 86400,
    units: [
      [365 * 86400, "y"],
      [86400, "d"],
    ],
  },
  { above: 8 * 86400, units: [[86400, "d"]] },
  {
    above: 2 * 86400,
    units: [
      [86400, "d"],
      [3600, "h"],
    ],
  },
  { above: 8 * 3600, units: [[3600, "h"]] },
  {
    above: 3 * 3600,
    units: [
      [3600, "h"],
      [60, "m"],
    ],
  },
  { above: 10 * 60, units: [[60, "m"]] },
  {
    above: 2 * 60,
    units: [
      [60, "m"],
      [1, "s"],
    ],
  },
] as const;

/** An age as tables show it: `45s`, `3m12s`, `5h`, `2d3h`, `400d`, `2y30d`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  const step = STEPS.find((s) => seconds >= s.above);
  if (!step) return `${seconds}s`;
  let rest = seconds;
  let out = "";
  for (const [size, letter] of step.units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || out === "") out += `${count}${letter}`;
  }
  return out;
}
