import { stringifyJson } from "../codec/json.ts";
import { quote } from "../errors/quote.ts";

/**
 * One step of a path in managed fields, as `fieldsV1` writes it: `f:name` a field, `k:{"name":"a"}` the list item with these keys, `v:"x"` the
 * item of a set, `i:0` an item by position. Equal steps are equal texts.
 */
export type PathElement = string;

/** The step to a field or a map key. */
export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** The step to the list item that has these key fields, sorted by name. */
export function keyElement(keys: Readonly<Record<string, unknown>>): PathElement {
  const sorted = Object.keys(keys).toSorted();
  return `k:{${sorted.map((name) => `${JSON.stringify(name)}:${stringifyJson(keys[name])}`).join(",")}}`;
}

/** The step to an item of a set of scalars. */
export function valueElement(value: unknown): PathElement {
  return `v:${stringifyJson(value)}`;
}

/** A path as messages print it: `.spec.containers[name="a"].image`. */
export function printPath(path: readonly PathElement[]): string {
  return path.map(printElement).join("");
}

/** One step as messages print it. */
export function printElement(element: PathElement): string {
  const body = element.slice(2);
  if (element.startsWith("f:")) return `.${body}`;
  if (element.startsWith("v:")) return `[=${printScalar(JSON.parse(body))}]`;
  if (element.startsWith("i:")) return `[${body}]`;
  const keys = JSON.parse(body) as Record<string, unknown>;
  return `[${Object.entries(keys)
    .map(([name, value]) => `${name}=${printScalar(value)}`)
    .join(",")}]`;
}

function printScalar(value: unknown): string {
  return typeof value === "string" ? quote(value) : String(value as number | boolean | null);
}

const RANK: Readonly<Record<string, number>> = { f: 0, k: 1, v: 2, i: 3 };

/** Steps in the order in which upstream writes them, each once. */
export function sortElements(elements: PathElement[]): PathElement[] {
  const unique = elements.length > 1 ? [...new Set(elements)] : elements;
  if (unique.length < 2) return unique;
  return unique.every((element) => element.startsWith("f:")) ? unique.sort() : unique.sort(compareElements);
}

/** The order in which upstream writes the steps of a set. */
export function compareElements(a: PathElement, b: PathElement): number {
  const [x, y] = [RANK[a.charAt(0)] ?? 4, RANK[b.charAt(0)] ?? 4];
  if (x !== y) return x - y;
  if (x === 0 || x > 2) return a < b ? -1 : a > b ? 1 : 0;
  const [left, right] = [JSON.parse(a.slice(2)) as unknown, JSON.parse(b.slice(2)) as unknown];
  return x === 2
    ? compareScalars(left, right)
    : compareKeys(left as Record<string, unknown>, right as Record<string, unknown>);
}

function compareKeys(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number {
  const [x, y] = [Object.keys(a), Object.keys(b)];
  for (let i = 0; i < x.length && i < y.length; i++) {
    const [left = "", right = ""] = [x[i], y[i]];
    if (left !== right) return left < right ? -1 : 1;
    const order = compareScalars(a[left], b[right]);
    if (order !== 0) return order;
  }
  return x.length - y.length;
}

const TYPES = ["number", "string", "boolean"];

function compareScalars(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) return TYPES.indexOf(typeof a) - TYPES.indexOf(typeof b);
  return (a as string) < (b as string) ? -1 : (a as string) > (b as string) ? 1 : 0;
}
