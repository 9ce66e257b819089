import { Quantity } from "../../machinery/index.ts";

/** How much of what: quantities by name. */
export type Amounts = ReadonlyMap<string, Quantity>;

const ONE = Quantity.of(1);

/** So many of something that is counted. */
export function count(number: number): Quantity {
  return number === 1 ? ONE : Quantity.of(number);
}

/** The quantities of an object as served. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Map<string, Quantity> {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, Quantity.parse(text)]));
}

/** Adds `more` to `sum`. */
export function addTo(sum: Map<string, Quantity>, more: Amounts): void {
  for (const [name, amount] of more) sum.set(name, sum.get(name)?.add(amount) ?? amount);
}

/** Raises `sum` to at least `other`, name by name. */
export function raiseTo(sum: Map<string, Quantity>, other: Amounts): void {
  for (const [name, amount] of other) {
    const known = sum.get(name);
    if (known === undefined || known.cmp(amount) < 0) sum.set(name, amount);
  }
}
