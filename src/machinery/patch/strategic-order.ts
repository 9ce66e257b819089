import { ParseError } from "../errors/parse-error.ts";
import { goKind, goPrint } from "../errors/go-print.ts";
import { isJsonObject, type JsonObject } from "../objects/fields.ts";

/** An item's identity in a list: of objects the value of the merge key, of scalars the item. */
export function identity(item: unknown, mergeKey: string): unknown {
  return mergeKey === "" ? item : isJsonObject(item) ? item[mergeKey] : undefined;
}

/** The identity of an item that must have one. */
export function keyOf(item: unknown, mergeKey: string): unknown {
  if (!isJsonObject(item)) throw new ParseError(`expected a map[string]interface {}, but received a ${goKind(item)}`);
  if (!(mergeKey in item))
    throw new ParseError(`map: ${goPrint(item)} does not contain declared merge key: ${mergeKey}`);
  return item[mergeKey];
}

/** Whether a list holds objects; throws when its items (of all lists together) differ in kind, or are lists. */
export function holdsObjects(...lists: readonly (readonly unknown[])[]): boolean {
  const items = lists.flat(1);
  const [first] = items;
  if (Array.isArray(first)) throw new ListOfListsError("lists of lists are not supported");
  for (const item of items) {
    if (isJsonObject(item) !== isJsonObject(first) || typeof item !== typeof first) {
      throw new ParseError(`list element types are not identical: ${goPrint(lists)}`);
    }
  }
  return isJsonObject(first);
}

/** Upstream answers these 422; other patches that make no sense 500. */
export class ListOfListsError extends ParseError {}

/**
 * Puts the items of a patch into the order asked for, those that only the server has into the server's, and merges the two by the server's
 * order as far as it can; either keeps its own order.
 */
export function orderItems(
  patched: unknown[],
  serverOnly: unknown[],
  order: { readonly asked: readonly unknown[]; readonly server: readonly unknown[] },
  mergeKey: string,
): unknown[] {
  const server = positions(order.server, mergeKey);
  const left = sortBy(serverOnly, server, mergeKey);
  const right = sortBy(patched, positions(order.asked, mergeKey), mergeKey);
  const out: unknown[] = [];
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) {
    const [a, b] = [server.get(identity(left[i], mergeKey)), server.get(identity(right[j], mergeKey))];
    if (a !== undefined && b !== undefined && a < b) out.push(left[i++]);
    else out.push(right[j++]);
  }
  return [...out, ...right.slice(j), ...left.slice(i)];
}

function positions(list: readonly unknown[], mergeKey: string): Map<unknown, number> {
  const found = new Map<unknown, number>();
  for (const [i, item] of list.entries()) {
    const id = identity(item, mergeKey);
    if (!found.has(id)) found.set(id, i);
  }
  return found;
}

/** Sorts by position; directives to delete go last, and what has no position stays where it is. */
function sortBy(list: unknown[], order: ReadonlyMap<unknown, number>, mergeKey: string): unknown[] {
  const isDelete = (item: unknown): boolean => isJsonObject(item) && item["$patch"] === "delete";
  const at = (item: unknown): number | undefined => order.get(identity(item, mergeKey));
  const kept = list.filter((item) => !isDelete(item));
  kept.sort((a, b) => {
    const [x, y] = [at(a), at(b)];
    return x === undefined || y === undefined ? 0 : x - y;
  });
  return [...kept, ...list.filter(isDelete)];
}

/** Splits a list into the items that `by` names too, and the rest. */
export function partition(
  list: readonly unknown[],
  by: readonly unknown[],
  mergeKey: string,
): [named: unknown[], rest: unknown[]] {
  const names = new Set(by.map((item) => identity(item, mergeKey)));
  const named: unknown[] = [];
  const rest: unknown[] = [];
  for (const item of list) {
    const id = mergeKey === "" ? item : keyOf(item, mergeKey);
    (names.has(id) ? named : rest).push(item);
  }
  return [named, rest];
}

/** The list without repetitions. */
export function unique(list: readonly unknown[]): unknown[] {
  return [...new Set(list)];
}

/** Removes a field and gives what it held. */
export function takeField(object: JsonObject, name: string): unknown {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  delete object[name];
  return value;
}
