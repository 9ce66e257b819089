import { Quantity } from "../../../machinery/index.ts";
import type { Amounts } from "../../resources/common/pod-resources.ts";

/** So many of something that is counted. */
export function count(number: number): Quantity {
  return Quantity.of(number);
}

/** Only the named amounts. */
export function only(amounts: Amounts, names: ReadonlySet<string>): Amounts {
  return new Map([...amounts].filter(([name]) => names.has(name)));
}

/** Both together. */
export function plus(a: Amounts, b: Amounts): Amounts {
  const sum = new Map(a);
  for (const [name, amount] of b) sum.set(name, sum.get(name)?.add(amount) ?? amount);
  return sum;
}

/** What `a` has more than `b`; nothing is below zero. */
export function increase(a: Amounts, b: Amounts): Amounts {
  const more: Amounts = new Map();
  for (const [name, amount] of a) {
    const before = b.get(name);
    const difference = before ? amount.sub(before) : amount;
    if (difference.sign() > 0) more.set(name, difference);
  }
  return more;
}

/** `cpu=1,memory=2Gi`, by name. */
export function printAmounts(amounts: Amounts): string {
  const parts = [...amounts].map(([name, amount]) => `${name}=${amount.toString()}`);
  return parts.toSorted().join(",");
}
