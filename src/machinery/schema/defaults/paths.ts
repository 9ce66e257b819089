import { isJsonObject, type JsonObject } from "../../objects/fields.ts";
import type { Field, Shape, TypeTable } from "../model.ts";

/** Reads what a path of fields leads to; undefined when a part is missing. */
export function readPath(object: unknown, path: readonly string[]): unknown {
  let at = object;
  for (const name of path) {
    if (!isJsonObject(at)) return undefined;
    at = at[name];
  }
  return at;
}

/** Sets what a path leads to, making the objects on the way; undefined removes. */
export function writePath(object: JsonObject, path: readonly string[], value: unknown): void {
  let at = object;
  for (const name of path.slice(0, -1)) {
    const next = at[name];
    if (isJsonObject(next)) at = next;
    else if (value === undefined) return;
    else {
      const made: JsonObject = {};
      at[name] = made;
      at = made;
    }
  }
  const last = path.at(-1) ?? "";
  if (value === undefined) delete at[last];
  else at[last] = value;
}

/** Splits `spec.ports` and `metadata.labels[kubernetes.io/metadata.name]`. */
export function splitPath(path: string): string[] {
  const bracket = /^(.*)\[(.+)\]$/.exec(path);
  return bracket ? [...(bracket[1] ?? "").split("."), bracket[2] ?? ""] : path.split(".");
}

/** The field at the end of a path, when the type has it. */
export function fieldAt(table: TypeTable, path: readonly string[]): Field | undefined {
  let at: TypeTable | undefined = table;
  let field: Field | undefined;
  for (const name of path) {
    field = at?.byName.get(name);
    if (!field) return undefined;
    const inner: Shape = field.shape.kind === "list" ? field.shape.item : field.shape;
    at = inner.kind === "struct" ? inner.table : undefined;
  }
  return field;
}

/** Whether Go would find the field unset: nil for pointers, else the zero value. */
export function isUnset(value: unknown, pointer: boolean): boolean {
  if (value === undefined || value === null) return true;
  if (pointer) return false;
  if (typeof value !== "object") return value === "" || value === 0 || value === false;
  return Array.isArray(value) && value.length === 0;
}

/** All objects in the lists that a path with `[]` names: `subsets[].ports`. */
export function eachItem(
  object: unknown,
  lists: readonly (readonly string[])[],
  visit: (item: JsonObject) => void,
): void {
  const [path, ...deeper] = lists;
  if (!path) {
    if (isJsonObject(object)) visit(object);
    return;
  }
  const list = readPath(object, path);
  if (Array.isArray(list)) for (const item of list) eachItem(item, deeper, visit);
}
