import { isJsonObject, type JsonObject, setField } from "../objects/fields.ts";
import { type ApplyList, type ApplyMap, type ApplySchema, formOf } from "./apply-schema.ts";
import type { FieldSet } from "./field-set.ts";
import { itemElement } from "./list-items.ts";
import { fieldElement } from "./path-element.ts";

/** A value without the fields and items in a set; what becomes empty becomes null. Shares the rest with the original. */
export function removeFields(value: unknown, set: FieldSet, schema: ApplySchema): unknown {
  const form = formOf(schema, value);
  if (form === "list" && schema.list) return Array.isArray(value) ? removeItems(value, set, schema.list) : null;
  if (form === "map" && schema.map) return isJsonObject(value) ? removeFrom(value, set, schema.map) : null;
  return value;
}

function removeItems(items: readonly unknown[], set: FieldSet, list: ApplyList): unknown {
  if (!list.associative) return null;
  const kept: unknown[] = [];
  for (const item of items) {
    const element = itemElement(list, item);
    if (set.members.has(element)) continue;
    const below = set.children.get(element);
    kept.push(below && !below.isEmpty() ? removeFields(item, below, list.item) : item);
  }
  return kept.length > 0 ? kept : null;
}

function removeFrom(object: JsonObject, set: FieldSet, map: ApplyMap): unknown {
  if (map.atomic) return null;
  const out: JsonObject = {};
  for (const name of Object.keys(object)) {
    const element = fieldElement(name);
    if (set.members.has(element)) continue;
    const below = set.children.get(element);
    const schema = map.field(name) ?? map.element;
    const value = object[name];
    setField(out, name, below && schema && !below.isEmpty() ? removeFields(value, below, schema) : value);
  }
  return Object.keys(out).length > 0 ? out : null;
}
