import { deepClone } from "../objects/clone.ts";
import type { JsonObject } from "../objects/fields.ts";
import type { Structural } from "./schema.ts";

/**
 * Fills defaults in, in place. A null where none may be counts as absent: it gets the default, and goes where there is none.
 */
export function applySchemaDefaults(value: unknown, s: Structural): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) defaultItems(value as unknown[], s);
  else defaultFields(value as JsonObject, s);
}

function defaultFields(object: JsonObject, s: Structural): void {
  for (const [name, property] of s.properties) {
    const absent = !Object.hasOwn(object, name);
    if (!absent && object[name] !== null) continue;
    if (!absent && property.nullable) continue;
    if (property.default !== undefined) object[name] = deepClone(property.default);
    else if (!absent) delete object[name];
  }
  for (const name of Object.keys(object)) {
    const known = s.properties.get(name);
    if (known) {
      if (known.hasDefaults || object[name] !== null) applySchemaDefaults(object[name], known);
      continue;
    }
    if (typeof s.additional !== "object") continue;
    if (object[name] === null && !s.additional.nullable) {
      if (s.additional.default === undefined) delete object[name];
      else object[name] = deepClone(s.additional.default);
    }
    applySchemaDefaults(object[name], s.additional);
  }
}

function defaultItems(list: unknown[], s: Structural): void {
  const { items } = s;
  if (!items) return;
  for (let i = 0; i < list.length; i++) {
    if (list[i] === null && !items.nullable && items.default !== undefined) list[i] = deepClone(items.default);
    applySchemaDefaults(list[i], items);
  }
}
