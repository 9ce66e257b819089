import { ParseError } from "../errors/parse-error.ts";
import { addInt, type Int, intOf, mulInt, negInt, removeFactors, scaleDown, scaleUp, signInt } from "./exact-int.ts";
import { binarySuffix, decimalSuffix, type QuantityFormat, splitQuantity } from "./quantity-text.ts";

const NANO = -9;
const MAX_INT64 = 9223372036854775807n;
const EXA = 18;

/**
 * An exact amount with upstream's three ways of writing it. Immutable: arithmetic gives a new one. What does not fit nano
 * precision is rounded up (away from zero) when parsed; a well-written text is kept as it was written.
 */
export class Quantity {
  readonly format: QuantityFormat;
  /** The amount is `#mantissa * 10^#scale`. */
  readonly #mantissa: Int;
  readonly #scale: number;
  #text: string | undefined;

  private constructor(mantissa: Int, scale: number, format: QuantityFormat, text?: string) {
    this.#mantissa = mantissa;
    this.#scale = scale;
    this.format = format;
    this.#text = text;
  }

  /** Nothing at all. */
  static get zero(): Quantity {
    return ZERO;
  }

  /** Parses a quantity as JSON has it: a string, or a number. Throws {@link ParseError} in upstream's words. */
  static parse(value: string | number | bigint): Quantity {
    const text = typeof value === "string" ? value.trim() : String(value);
    if (text === "0") return ZERO;
    const { negative, whole, fraction, suffix } = splitQuantity(text);
    const digits = whole + fraction;
    const magnitude = intOf(digits);
    const mantissa = negative ? negInt(magnitude) : magnitude;
    if (suffix.base === 2)
      return Quantity.#binary(mantissa, magnitude, fraction.length, suffix.exponent, text, whole.length);
    const scale = suffix.exponent - fraction.length;
    const fast = digits.length <= EXA && scale >= NANO;
    const kept = fast && scale % 3 === 0 && !digits.endsWith("000") && !digits.startsWith("0");
    if (scale >= NANO) return new Quantity(mantissa, scale, suffix.format, kept ? text : undefined);
    return new Quantity(scaleDown(mantissa, NANO - scale).value, NANO, suffix.format);
  }

  static #binary(
    mantissa: Int,
    magnitude: Int,
    places: number,
    exponent: number,
    text: string,
    digits: number,
  ): Quantity {
    const amount = mulInt(mantissa, 2 ** exponent);
    const fast = places === 0 && 15 - digits - Math.trunc((exponent * 3) / 10) - 1 >= 0;
    if (fast) {
      const kept = typeof magnitude === "number" && magnitude % 8 !== 0;
      return new Quantity(amount, 0, "BinarySI", kept ? text : undefined);
    }
    const cut = Math.max(0, places + NANO);
    const q = new Quantity(scaleDown(amount, cut).value, cut - places, "BinarySI");
    if (q.#compareInt(MAX_INT64) > 0) return new Quantity(MAX_INT64, 0, "BinarySI");
    if (q.#compareInt(-MAX_INT64) < 0) return new Quantity(-MAX_INT64, 0, "BinarySI");
    const tiny = q.sign() !== 0 && q.#compareInt(1) < 0 && q.#compareInt(-1) > 0;
    return tiny ? new Quantity(q.#mantissa, q.#scale, "DecimalSI") : q;
  }

  /** {@link parse}, or undefined when the text is no quantity. */
  static tryParse(value: string | number | bigint): Quantity | undefined {
    try {
      return Quantity.parse(value);
    } catch (error) {
      if (error instanceof ParseError) return undefined;
      throw error;
    }
  }

  /** A whole amount. */
  static of(value: Int, format: QuantityFormat = "DecimalSI"): Quantity {
    return new Quantity(value, 0, format);
  }

  /** An amount of thousandths, such as millicores. */
  static ofMilli(value: Int, format: QuantityFormat = "DecimalSI"): Quantity {
    return new Quantity(value, -3, format);
  }

  /** The sum, written like this one (like `other`, when this one is zero). */
  add(other: Quantity): Quantity {
    return this.#combine(other, other.#mantissa);
  }

  /** The difference, written like this one (like `other`, when this one is zero). */
  sub(other: Quantity): Quantity {
    return this.#combine(other, negInt(other.#mantissa));
  }

  #combine(other: Quantity, mantissa: Int): Quantity {
    const format = this.isZero() ? other.format : this.format;
    if (mantissa === 0) return new Quantity(this.#mantissa, this.#scale, format);
    if (this.isZero()) return new Quantity(mantissa, other.#scale, format);
    const scale = Math.min(this.#scale, other.#scale);
    const sum = addInt(scaleUp(this.#mantissa, this.#scale - scale), scaleUp(mantissa, other.#scale - scale));
    return new Quantity(sum, scale, format);
  }

  /** The product with a whole number. */
  mul(factor: Int): Quantity {
    return new Quantity(mulInt(this.#mantissa, factor), this.#scale, this.format);
  }

  neg(): Quantity {
    return new Quantity(negInt(this.#mantissa), this.#scale, this.format);
  }

  /** -1, 0 or 1. */
  cmp(other: Quantity): number {
    const scale = Math.min(this.#scale, other.#scale);
    const [a, b] = [scaleUp(this.#mantissa, this.#scale - scale), scaleUp(other.#mantissa, other.#scale - scale)];
    return a < b ? -1 : a > b ? 1 : 0;
  }

  #compareInt(value: Int): number {
    return this.cmp(new Quantity(value, 0, this.format));
  }

  equals(other: Quantity): boolean {
    return this.cmp(other) === 0;
  }

  isZero(): boolean {
    return signInt(this.#mantissa) === 0;
  }

  /** -1, 0 or 1. */
  sign(): number {
    return signInt(this.#mantissa);
  }

  /** In whole units, rounded up (away from zero). Loses digits beyond 2^53. */
  value(): number {
    return Number(this.#scaled(0));
  }

  /** In thousandths, rounded up (away from zero). */
  milliValue(): number {
    return Number(this.#scaled(-3));
  }

  /** In units of `10^scale`, rounded up (away from zero), exact. */
  scaledValue(scale: number): Int {
    return this.#scaled(scale);
  }

  #scaled(scale: number): Int {
    if (this.#scale >= scale) return scaleUp(this.#mantissa, this.#scale - scale);
    return scaleDown(this.#mantissa, scale - this.#scale).value;
  }

  /** The nearest double, as upstream's AsApproximateFloat64 gives it to CEL, metrics and the autoscaler. */
  toNumber(): number {
    return this.#scale < 0 ? Number(this.#mantissa) / 10 ** -this.#scale : Number(this.#mantissa) * 10 ** this.#scale;
  }

  /** No finer than `10^scale`, rounded away from zero. The same quantity when it already is. */
  roundUp(scale: number): Quantity {
    if (this.#scale >= scale) return this;
    return new Quantity(scaleDown(this.#mantissa, scale - this.#scale).value, scale, this.format);
  }

  /** The canonical text: no fraction, the largest suffix that loses nothing. */
  toString(): string {
    return (this.#text ??= this.#print());
  }

  toJSON(): string {
    return this.toString();
  }

  #print(): string {
    if (this.isZero()) return "0";
    const whole = this.#scale >= 0 ? { value: this.#scaled(0), exact: true } : scaleDown(this.#mantissa, -this.#scale);
    const inner = this.#compareInt(-1024) > 0 && this.#compareInt(1024) < 0;
    if (this.format === "BinarySI" && whole.exact && !inner) {
      const { value, times } = removeFactors(whole.value, 1024);
      return times <= 6 ? value + binarySuffix(times) : mulInt(value, 1024 ** (times - 6)) + binarySuffix(6);
    }
    const { value, times } = removeFactors(this.#mantissa, 10);
    const exponent = this.#scale + times;
    const down = ((exponent % 3) + 3) % 3;
    const format = this.format === "BinarySI" ? "DecimalSI" : this.format;
    const most = format === "DecimalSI" ? Math.min(exponent - down, EXA) : exponent - down;
    return scaleUp(value, exponent - most) + decimalSuffix(most, format);
  }
}

/** Not a static field: the compiler initializes those before the name by which it lets the class refer to itself. */
const ZERO = Quantity.of(0);

const PLAIN = /^[1-9][0-9]{0,2}(?:[numkMGTPE]|[KMGTPE]i)?$/;

/** A quantity as the server prints it back: `0.5` → `500m`, `1024Mi` → `1Gi`, a number → a string. Throws {@link ParseError}. */
export function canonicalQuantity(value: string | number | bigint): string {
  if (typeof value === "string" && PLAIN.test(value) && !value.endsWith("i")) return value;
  return Quantity.parse(value).toString();
}
