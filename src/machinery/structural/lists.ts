import { stringifyJson } from "../codec/json.ts";
import { duplicate, type FieldError, invalidValue } from "../field/error.ts";
import { isJsonObject } from "../objects/fields.ts";
import type { Structural } from "./schema.ts";

/** What tells an item of a list of type map from others, as text. */
export function itemKeyOf(item: unknown, keys: readonly string[]): string {
  if (!isJsonObject(item)) return stringifyJson(item);
  return stringifyJson(keys.map((key) => (Object.hasOwn(item, key) ? [item[key]] : [])));
}

/** Checks that items of lists of type set and map are unique. */
export function validateLists(value: unknown, s: Structural, path = ""): FieldError[] {
  if (!s.hasKeyedLists) return [];
  const errors: FieldError[] = [];
  walk(value, s, path, errors);
  return errors;
}

function walk(value: unknown, s: Structural, path: string, errors: FieldError[]): void {
  if (!s.hasKeyedLists || typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    if (s.listType === "set") errors.push(...repeated(value, path, stable));
    if (s.listType === "map") errors.push(...validateMap(value, s, path));
    for (let i = 0; s.items && i < value.length; i++) walk(value[i], s.items, `${path}[${i}]`, errors);
    return;
  }
  for (const [name, field] of Object.entries(value)) {
    const property = s.properties.get(name);
    if (property) walk(field, property, path === "" ? name : `${path}.${name}`, errors);
    else if (typeof s.additional === "object") walk(field, s.additional, `${path}[${name}]`, errors);
  }
}

function validateMap(list: readonly unknown[], s: Structural, path: string): FieldError[] {
  const wrong = list.findIndex((item) => item !== null && !isJsonObject(item));
  if (wrong >= 0) {
    return [invalidValue(`${path}[${wrong}]`, list[wrong], "must be an object for an array of list-type map")];
  }
  const shown = (item: unknown): unknown =>
    isJsonObject(item)
      ? Object.fromEntries(s.listKeys.flatMap((k) => (Object.hasOwn(item, k) ? [[k, item[k]]] : [])))
      : item;
  return repeated(list, path, (item) => itemKeyOf(item, s.listKeys), shown);
}

/** One error for each value that occurs again, at its second place. */
function repeated(
  list: readonly unknown[],
  path: string,
  keyOf: (item: unknown) => string,
  shown: (item: unknown) => unknown = (item) => item,
): FieldError[] {
  const seen = new Map<string, number>();
  const errors: FieldError[] = [];
  for (const [i, item] of list.entries()) {
    const key = keyOf(item);
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    if (times === 2) errors.push(duplicate(`${path}[${i}]`, shown(item)));
  }
  return errors;
}

/** The same text for the same value, whatever the order of fields. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) => {
    if (typeof v === "bigint") return `${v}n`;
    return isJsonObject(v) ? Object.fromEntries(Object.entries(v).toSorted(([a], [b]) => (a < b ? -1 : 1))) : v;
  });
}
