import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import { type ApplyList, type ApplyMap, type ApplySchema, formOf } from "./apply-schema.ts";
import { FieldSet } from "./field-set.ts";
import { groupItems } from "./list-items.ts";
import { fieldElement, type PathElement } from "./path-element.ts";

/** Every leaf and every list item that a value mentions. */
export function toFieldSet(value: unknown, schema: ApplySchema): FieldSet {
  const set = new FieldSet();
  collect(value, schema, [], set);
  return set;
}

function collect(value: unknown, schema: ApplySchema, path: PathElement[], set: FieldSet): void {
  const form = formOf(schema, value);
  const { list, map } = schema;
  if (form === "scalar") set.insert(path);
  else if (form === "list" && list) {
    if (!list.associative) set.insert(path);
    else if (Array.isArray(value)) collectItems(value, list, path, set);
  } else if (form === "map" && map) {
    if (map.atomic) set.insert(path);
    else if (isJsonObject(value)) collectFields(value, map, path, set);
  }
}

function collectItems(items: readonly unknown[], list: ApplyList, path: PathElement[], set: FieldSet): void {
  for (const [element, group] of groupItems(list, items)) {
    path.push(element);
    if (group.length === 1) collect(group[0], list.item, path, set);
    set.insert(path);
    path.pop();
  }
}

function collectFields(object: JsonObject, map: ApplyMap, path: PathElement[], set: FieldSet): void {
  for (const name of Object.keys(object)) {
    const value = object[name];
    if (value === undefined) continue;
    const declared = map.field(name);
    const schema = declared ?? map.element;
    path.push(fieldElement(name));
    if (schema) collect(value, schema, path, set);
    if (!declared || value === null || (isJsonObject(value) && Object.keys(value).length === 0)) set.insert(path);
    path.pop();
  }
}
