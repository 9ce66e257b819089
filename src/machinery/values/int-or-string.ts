import { ParseError } from "../errors/parse-error.ts";
import { quote } from "../errors/quote.ts";

/** A number, or a percentage such as `25%`. */
export type IntOrString = number | string;

/** An `int32` text as a number, any other as it is. */
export function parseIntOrString(text: string): IntOrString {
  const value = int32(text);
  return value ?? text;
}

function int32(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= -2147483648 && value <= 2147483647 ? value : undefined;
}

/** The number, or what the text says; 0 for a text that is no number. */
export function intValue(value: IntOrString): number {
  return typeof value === "number" ? value : /^[+-]?[0-9]+$/.test(value) ? Number(value) : 0;
}

/** Whether the value is a percentage. */
export function isPercent(value: IntOrString): boolean {
  return typeof value === "string" && value.endsWith("%");
}

/**
 * The number, or that percentage of `total`, rounded up or down. Throws {@link ParseError} for a text that is no percentage.
 */
export function scaledValue(value: IntOrString | undefined, total: number, roundUp: boolean): number {
  if (value === undefined) throw new ParseError("nil value for IntOrString");
  if (typeof value === "number") return value;
  const share = (percentOf(value) * total) / 100;
  return (roundUp ? Math.ceil(share) : Math.floor(share)) + 0;
}

function percentOf(text: string): number {
  if (!text.endsWith("%")) {
    throw new ParseError("invalid value for IntOrString: invalid type: string is not a percentage");
  }
  const digits = text.slice(0, -1);
  if (/^[+-]?[0-9]+$/.test(digits)) return Number(digits);
  const why = `strconv.Atoi: parsing ${quote(digits)}: invalid syntax`;
  throw new ParseError(`invalid value for IntOrString: invalid value ${quote(text)}: ${why}`);
}
