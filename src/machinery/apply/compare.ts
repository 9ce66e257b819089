import { deepEqual } from "../objects/equal.ts";
import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import { type ApplyList, type ApplyMap, type ApplySchema, formOf } from "./apply-schema.ts";
import { FieldSet } from "./field-set.ts";
import { groupItems } from "./list-items.ts";
import { fieldElement, type PathElement } from "./path-element.ts";

/** What changed from one value to another. A path is in one of the sets at most. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

/** Compares two values of a schema. */
export function compareValues(before: unknown, after: unknown, schema: ApplySchema): Comparison {
  const walk = new CompareWalk();
  walk.compare(before, after, schema);
  return walk.result;
}

/** The comparison without the paths in a set, and all below them. */
export function withoutFields(comparison: Comparison, ignored: FieldSet | undefined): Comparison {
  if (!ignored) return comparison;
  return {
    removed: comparison.removed.recursiveDifference(ignored),
    modified: comparison.modified.recursiveDifference(ignored),
    added: comparison.added.recursiveDifference(ignored),
  };
}

const NO_FIELDS: JsonObject = {};

/** A missing value is undefined; null is a value. */
class CompareWalk {
  readonly result = { removed: new FieldSet(), modified: new FieldSet(), added: new FieldSet() };
  readonly #path: PathElement[] = [];

  compare(before: unknown, after: unknown, schema: ApplySchema): void {
    if (before === after) return;
    const [old, now] = [formOf(schema, before), formOf(schema, after)];
    const form = after === undefined ? old : now;
    if (before !== undefined && after !== undefined && old !== now) this.#as(old, before, after, schema);
    const leaf = this.#as(form, before, after, schema);
    if (leaf) return;
    if (before === undefined) this.result.added.insert(this.#path);
    else if (after === undefined) this.result.removed.insert(this.#path);
  }

  /** Compares as one form; true when the value was taken as a leaf. */
  #as(form: "map" | "list" | "scalar", before: unknown, after: unknown, schema: ApplySchema): boolean {
    const { list, map } = schema;
    if (form === "list" && list) {
      const [a, b] = [itemsOf(before), itemsOf(after)];
      if (!list.associative || (a.length === 0 && b.length === 0)) return this.#leaf(before, after);
      if (!deepEqual(before, after)) this.#items(a, b, list);
      return false;
    }
    if (form === "map" && map) {
      const [a, b] = [fieldsOf(before), fieldsOf(after)];
      if (map.atomic || (isEmpty(a) && isEmpty(b))) return this.#leaf(before, after);
      this.#fields(a, b, map);
      return false;
    }
    return this.#leaf(before, after);
  }

  #leaf(before: unknown, after: unknown): boolean {
    if (before === undefined) this.result.added.insert(this.#path);
    else if (after === undefined) this.result.removed.insert(this.#path);
    else if (!deepEqual(before, after)) this.result.modified.insert(this.#path);
    return true;
  }

  #fields(before: JsonObject, after: JsonObject, map: ApplyMap): void {
    for (const name in after) this.#field(name, before, after, map);
    for (const name in before) if (!Object.hasOwn(after, name)) this.#field(name, before, after, map);
  }

  #field(name: string, before: JsonObject, after: JsonObject, map: ApplyMap): void {
    const [old, now] = [
      Object.hasOwn(before, name) ? before[name] : undefined,
      Object.hasOwn(after, name) ? after[name] : undefined,
    ];
    const schema = map.field(name) ?? map.element;
    if (old === now || !schema) return;
    // Most parts are the same, and telling so is cheaper than walking them by their schema.
    if (this.#path.length === 0 && deepEqual(old, now)) return;
    this.#path.push(fieldElement(name));
    this.compare(old, now, schema);
    this.#path.pop();
  }

  #items(before: readonly unknown[], after: readonly unknown[], list: ApplyList): void {
    const [old, now] = [groupItems(list, before), groupItems(list, after)];
    for (const element of new Set([...old.keys(), ...now.keys()])) {
      this.#path.push(element);
      this.#item(old.get(element) ?? [], now.get(element) ?? [], list.item);
      this.#path.pop();
    }
  }

  /** Items that stand more than once in a list are tracked as one, whatever is in them. */
  #item(old: readonly unknown[], now: readonly unknown[], schema: ApplySchema): void {
    if (old.length <= 1 && now.length <= 1) this.compare(old[0], now[0], schema);
    else if (old.length >= 2 && now.length >= 2) {
      if (!deepEqual(old, now)) this.result.modified.insert(this.#path);
    } else if (old.length >= 2) {
      if (now.length > 0) this.compare(undefined, now[0], schema);
      this.result.removed.insert(this.#path);
    } else {
      if (old.length > 0) this.compare(old[0], undefined, schema);
      this.result.added.insert(this.#path);
    }
  }
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldsOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : NO_FIELDS;
}

function isEmpty(object: JsonObject): boolean {
  for (const _ in object) return false;
  return true;
}
