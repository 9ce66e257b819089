/** An exact integer: a `number` while it is safe, a `bigint` beyond. Every function gives the smallest form. */
export type Int = number | bigint;

const SAFE_POWERS = 16;

function shrink(value: bigint): Int {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

/** Digits as an integer. */
export function intOf(digits: string): Int {
  return digits.length < SAFE_POWERS ? Number(digits) : shrink(BigInt(digits));
}

/** `a + b`. */
export function addInt(a: Int, b: Int): Int {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return shrink(BigInt(a) + BigInt(b));
}

/** `a * b`. */
export function mulInt(a: Int, b: Int): Int {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return shrink(BigInt(a) * BigInt(b));
}

/** `-a`. */
export function negInt(a: Int): Int {
  return typeof a === "number" ? 0 - a : -a;
}

/** -1, 0 or 1. */
export function signInt(a: Int): number {
  return a > 0 ? 1 : a < 0 ? -1 : 0;
}

/** `a * 10^power`, for a power of zero or more. */
export function scaleUp(a: Int, power: number): Int {
  if (power === 0 || a === 0) return a;
  return power < SAFE_POWERS ? mulInt(a, 10 ** power) : shrink(BigInt(a) * 10n ** BigInt(power));
}

/** `a / 10^power`, away from zero when it does not divide, and whether it does. */
export function scaleDown(a: Int, power: number): { value: Int; exact: boolean } {
  if (power === 0 || a === 0) return { value: a, exact: true };
  if (power > 400) return { value: signInt(a), exact: false };
  if (typeof a === "number" && power < SAFE_POWERS) {
    const quotient = a / 10 ** power;
    const rounded = quotient < 0 ? Math.floor(quotient) : Math.ceil(quotient);
    return { value: rounded, exact: a % 10 ** power === 0 };
  }
  const divisor = 10n ** BigInt(power);
  const [whole, rest] = [BigInt(a) / divisor, BigInt(a) % divisor];
  return { value: shrink(rest === 0n ? whole : whole + BigInt(signInt(a))), exact: rest === 0n };
}

/** Takes all factors `base` out: the rest, and how many there were. Leaves nothing below `base`. */
export function removeFactors(a: Int, base: 10 | 1024): { value: Int; times: number } {
  let times = 0;
  let big = a;
  while (typeof big === "bigint" && big % BigInt(base) === 0n) {
    big = shrink(big / BigInt(base));
    times++;
  }
  if (typeof big === "bigint") return { value: big, times };
  let small = big;
  while (Math.abs(small) >= base && small % base === 0) {
    small /= base;
    times++;
  }
  return { value: small, times };
}
