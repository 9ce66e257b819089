import { ParseError } from "../errors/parse-error.ts";

/** How a quantity was written, and so how it is printed: `12M`, `12Mi`, `12e6`. */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** What a suffix multiplies by, and which way of writing it belongs to. */
export interface Suffix {
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

/** The parts of a written quantity. */
export interface QuantityParts {
  readonly negative: boolean;
  /** Without leading zeros; "0" when nothing is left. */
  readonly whole: string;
  readonly fraction: string;
  readonly suffix: Suffix;
}

const WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_SUFFIX = "unable to parse quantity's suffix";
/** Larger decimal exponents are refused: no quantity needs them, and exact arithmetic on them could be made to take for ever. */
const MAX_EXPONENT = 1000;

const decimal = (exponent: number): Suffix => ({ base: 10, exponent, format: "DecimalSI" });
const binary = (exponent: number): Suffix => ({ base: 2, exponent, format: "BinarySI" });
const SUFFIXES: ReadonlyMap<string, Suffix> = new Map([
  ["", decimal(0)],
  ["n", decimal(-9)],
  ["u", decimal(-6)],
  ["m", decimal(-3)],
  ["k", decimal(3)],
  ["M", decimal(6)],
  ["G", decimal(9)],
  ["T", decimal(12)],
  ["P", decimal(15)],
  ["E", decimal(18)],
  ["Ki", binary(10)],
  ["Mi", binary(20)],
  ["Gi", binary(30)],
  ["Ti", binary(40)],
  ["Pi", binary(50)],
  ["Ei", binary(60)],
]);

const QUANTITY = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;

/** Splits a quantity. A sign, a dot or a suffix alone is zero, as upstream's scanner has it. Throws {@link ParseError}. */
export function splitQuantity(text: string): QuantityParts {
  const found = text === "" ? null : QUANTITY.exec(text);
  if (!found) throw new ParseError(WRONG_FORMAT);
  const [, sign = "", whole = "", fraction = "", suffix = ""] = found;
  return { negative: sign === "-", whole: whole === "" ? "0" : whole, fraction, suffix: suffixOf(suffix) };
}

function suffixOf(text: string): Suffix {
  const known = SUFFIXES.get(text);
  if (known) return known;
  const exponent = /^[eE]([+-]?[0-9]+)$/.exec(text)?.[1];
  if (exponent === undefined || Number(exponent) > MAX_EXPONENT) throw new ParseError(WRONG_SUFFIX);
  return { base: 10, exponent: Math.max(Number(exponent), -2 * MAX_EXPONENT), format: "DecimalExponent" };
}

const DECIMAL_LETTERS = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY_LETTERS = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** The letters of a decimal exponent (a multiple of three from -9 to 18). */
export function decimalSuffix(exponent: number, format: QuantityFormat): string {
  if (format === "DecimalExponent") return exponent === 0 ? "" : `e${exponent}`;
  return DECIMAL_LETTERS[exponent / 3 + 3] ?? "";
}

/** The letters of a power of 1024 (0 to 6). */
export function binarySuffix(power: number): string {
  return BINARY_LETTERS[power] ?? "";
}
