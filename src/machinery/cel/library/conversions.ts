import { fn, type Overload, reads } from "../functions.ts";
import { formatSeconds, formatTimestamp, parseGoDuration, parseTimestamp } from "../times.ts";
import { BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT } from "../types.ts";
import { CelError, Duration, Timestamp, Uint } from "../values.ts";

function fail(message: string): never {
  throw new CelError(message);
}

function intOf(value: bigint): bigint {
  return BigInt.asIntN(64, value) === value ? value : fail("integer overflow");
}

function uintOf(value: bigint): Uint {
  return BigInt.asUintN(64, value) === value ? new Uint(value) : fail("unsigned integer overflow");
}

function truncated(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : fail("integer overflow");
}

function parsed(text: string): bigint {
  return /^[+-]?\d+$/.test(text)
    ? BigInt(text)
    : fail(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function parsedDouble(text: string): number {
  const value = Number(text);
  return text.trim() === text && text !== "" && !Number.isNaN(value)
    ? value
    : fail(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);
const decoder = new TextDecoder("utf-8", { fatal: true });
const copies = { ...reads, grows: ([size = 0]: readonly number[]): number => size };
const short = { grows: (): number => 32 };

/** A double as Go prints it with `%g`. */
export function showDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 21) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

function decoded(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new CelError("invalid UTF-8 in bytes, cannot convert to string", { cause: error });
  }
}

/** `int(x)`, `string(x)` and the like. */
export const conversions: readonly Overload[] = [
  fn("int", [INT], INT, (v) => v),
  fn("int", [UINT], INT, (v) => intOf((v as Uint).value)),
  fn("int", [DOUBLE], INT, (v) => intOf(truncated(v as number))),
  fn("int", [STRING], INT, (v) => intOf(parsed(v as string)), reads),
  fn("int", [TIMESTAMP], INT, (v) => (v as Timestamp).nanos / 1_000_000_000n),
  fn("uint", [UINT], UINT, (v) => v),
  fn("uint", [INT], UINT, (v) => uintOf(v as bigint)),
  fn("uint", [DOUBLE], UINT, (v) => uintOf(truncated(v as number))),
  fn("uint", [STRING], UINT, (v) => uintOf(parsed(v as string)), reads),
  fn("double", [DOUBLE], DOUBLE, (v) => v),
  fn("double", [INT], DOUBLE, (v) => Number(v)),
  fn("double", [UINT], DOUBLE, (v) => Number((v as Uint).value)),
  fn("double", [STRING], DOUBLE, (v) => parsedDouble(v as string), reads),
  fn("string", [STRING], STRING, (v) => v, copies),
  fn("string", [BOOL], STRING, (v) => String(v as boolean), short),
  fn("string", [INT], STRING, (v) => String(v as bigint), short),
  fn("string", [UINT], STRING, (v) => String((v as Uint).value), short),
  fn("string", [DOUBLE], STRING, (v) => showDouble(v as number), short),
  fn("string", [BYTES], STRING, (v) => decoded(v as Uint8Array), copies),
  fn("string", [TIMESTAMP], STRING, (v) => formatTimestamp((v as Timestamp).nanos), short),
  fn("string", [DURATION], STRING, (v) => formatSeconds((v as Duration).nanos), short),
  fn("bytes", [BYTES], BYTES, (v) => v, copies),
  fn("bytes", [STRING], BYTES, (v) => new TextEncoder().encode(v as string), copies),
  fn("bool", [BOOL], BOOL, (v) => v),
  fn(
    "bool",
    [STRING],
    BOOL,
    (v) =>
      TRUE.has(v as string) ||
      (!FALSE.has(v as string) && fail(`strconv.ParseBool: parsing ${JSON.stringify(v)}: invalid syntax`)),
  ),
  fn("timestamp", [TIMESTAMP], TIMESTAMP, (v) => v),
  fn("timestamp", [INT], TIMESTAMP, (v) => new Timestamp((v as bigint) * 1_000_000_000n)),
  fn(
    "timestamp",
    [STRING],
    TIMESTAMP,
    (v) => new Timestamp(parseTimestamp(v as string) ?? fail(`cannot parse ${JSON.stringify(v)} as a timestamp`)),
  ),
  fn("duration", [DURATION], DURATION, (v) => v),
  fn(
    "duration",
    [STRING],
    DURATION,
    (v) => new Duration(parseGoDuration(v as string) ?? fail(`time: invalid duration ${JSON.stringify(v)}`)),
  ),
];
