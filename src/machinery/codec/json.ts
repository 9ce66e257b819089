import { rawNumber } from "../errors/quote.ts";
import { ParseError } from "../errors/parse-error.ts";
import { findDuplicates } from "./duplicates.ts";

/** Objects and lists may nest this deep, as upstream's decoder has it. */
export const MAX_DEPTH = 10_000;

const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
const encoder = new TextEncoder();

/** How {@link decodeJson} reads. */
export interface JsonOptions {
  /** Told of each field that occurs twice in an object, as `duplicate field "spec.replicas"`; the last one counts. */
  readonly onDuplicate?: (finding: string) => void;
}

/**
 * One JSON value. Numbers are `number`, but integers beyond ±2^53 that fit 64 bits come as `bigint`, so that no digit
 * is lost; {@link encodeJson} writes both. A key `__proto__` is plain data. Throws {@link ParseError}.
 */
export function decodeJson(bytes: Uint8Array | string, options: JsonOptions = {}): unknown {
  const text = typeof bytes === "string" ? bytes : decoder.decode(bytes);
  checkDepth(text);
  const value = parse(text);
  if (options.onDuplicate) findDuplicates(text, value).forEach(options.onDuplicate);
  return value;
}

function parse(text: string): unknown {
  try {
    if (hasLongNumber(text)) return JSON.parse(text, exactNumber as (key: string, value: unknown) => unknown);
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ParseError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The bytes of one JSON value: compact, fields in the object's own order. */
export function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(stringifyJson(value));
}

/** {@link encodeJson} as text. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? rawNumber(v) : v));
  }
}

const LONG = 16;

/** Whether sixteen digits stand in a row: only such texts may hold an integer that a double cannot. Looks at every sixteenth character. */
function hasLongNumber(text: string): boolean {
  for (let i = LONG - 1; i < text.length; i += LONG) {
    if (!isDigit(text.charCodeAt(i))) continue;
    let [start, end] = [i, i];
    while (isDigit(text.charCodeAt(start - 1))) start--;
    while (isDigit(text.charCodeAt(end + 1))) end++;
    if (end - start + 1 >= LONG) return true;
  }
  return false;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

const INTEGER = /^-?[0-9]+$/;

function exactNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !context?.source || !INTEGER.test(context.source))
    return value;
  const exact = BigInt(context.source);
  return BigInt.asIntN(64, exact) === exact ? exact : value;
}

/** Counts brackets outside strings, and only in texts long enough to nest too deep. */
function checkDepth(text: string): void {
  if (text.length < MAX_DEPTH) return;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) i = endOfString(text, i);
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > MAX_DEPTH) throw new ParseError("exceeded max depth");
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
}

/** The index of the quote that closes the string opened at `start`. */
function endOfString(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return at;
  }
}
