import { ParseError } from "../errors/parse-error.ts";
import { isJsonObject } from "../objects/fields.ts";
import type { ApplyList } from "./apply-schema.ts";
import { keyElement, type PathElement, valueElement } from "./path-element.ts";

/** A value that does not follow its schema. */
export class ApplyError extends ParseError {}

/** The step to an item of an associative list. Throws {@link ApplyError} when the item cannot be told apart. */
export function itemElement(list: ApplyList, item: unknown): PathElement {
  if (list.keys.length > 0) return keyedElement(list, item);
  if (Array.isArray(item)) throw new ApplyError("not supported: associative list with lists as elements");
  if (item === null) throw new ApplyError("associative list without keys has an element that's an explicit null");
  if (typeof item === "object") throw new ApplyError("associative list without keys has an element that's a map type");
  return valueElement(item);
}

function keyedElement(list: ApplyList, item: unknown): PathElement {
  if (item === null) throw new ApplyError("associative list with keys may not have a null element");
  if (!isJsonObject(item)) throw new ApplyError("associative list with keys may not have non-map elements");
  const keys: Record<string, unknown> = {};
  let found = 0;
  for (const name of list.keys) {
    const value = item[name] === undefined ? list.item.map?.defaultOf(name) : item[name];
    if (value === undefined) continue;
    keys[name] = value;
    found++;
  }
  if (found > 0) return keyElement(keys);
  const names = `[${list.keys.map((name) => JSON.stringify(name)).join(" ")}]`;
  throw new ApplyError(
    `associative list with keys has an element that omits all key fields ${names} (and doesn't have default values for any key fields)`,
  );
}

/** A list's items by their step; items with the same step stand together. */
export function groupItems(list: ApplyList, items: readonly unknown[]): Map<PathElement, unknown[]> {
  const groups = new Map<PathElement, unknown[]>();
  for (const [i, item] of items.entries()) {
    const element = elementAt(list, item, i);
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}

/** {@link itemElement}, with the position in the error. */
export function elementAt(list: ApplyList, item: unknown, position: number): PathElement {
  try {
    return itemElement(list, item);
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    throw new ApplyError(`element ${position}: ${error.message}`, { cause: error });
  }
}
