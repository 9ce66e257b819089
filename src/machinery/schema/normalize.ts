import { parseDuration, formatDuration } from "../values/duration.ts";
import { canonicalQuantity } from "../values/quantity.ts";
import { canonicalMicroTime, canonicalTime } from "../values/time.ts";
import { canonicalBase64 } from "./base64.ts";
import type { Shape } from "./model.ts";
import { tableFor } from "./structure.ts";
import type { Field, TypeTable } from "./model.ts";

type Fields = Record<string, unknown>;

/** What is known of a field before any object is seen. */
export interface Plan extends Field {
  /** Go prints it even when it was never set. */
  readonly always: boolean;
}

/** What is known of a struct. */
export interface StructPlan {
  readonly fields: readonly Plan[];
  readonly byName: ReadonlyMap<string, Plan>;
  /** How many fields are always printed. */
  readonly always: number;
}

const plans = new WeakMap<TypeTable, StructPlan>();

/** Shapes that are structs in Go, which `omitempty` does not leave out. */
const STRUCTS = new Set<Shape["kind"]>([
  "struct",
  "quantity",
  "intOrString",
  "time",
  "microTime",
  "duration",
  "raw",
  "fields",
  "json",
]);

/** The plan of a type, made once. */
export function planOf(table: TypeTable): StructPlan {
  const known = plans.get(table);
  if (known) return known;
  const fields = table.fields.map((f) => {
    const unset = f.omitempty && (f.pointer || !STRUCTS.has(f.shape.kind));
    return { ...f, always: !unset && !f.omitzero };
  });
  const plan = {
    fields,
    byName: new Map(fields.map((f) => [f.name, f])),
    always: fields.filter((f) => f.always).length,
  };
  plans.set(table, plan);
  return plan;
}

/**
 * The object as upstream's server prints it: unknown fields gone, fields in Go's order, map keys sorted, structs and required
 * lists that Go always prints filled in (`resources: {}`, `containers: null`), empty optional fields left out, quantities, times
 * and durations in canonical form. An object that already is normal is given back as it is; of others, only the parts
 * that change are copied, and the original is never changed. Objects of unknown types come back as they are.
 */
export function normalize<T extends object>(object: T, options: { readonly type?: TypeTable | string } = {}): T {
  const table = tableFor(object, options.type);
  return table ? (struct(object as Fields, table) as T) : object;
}

function struct(object: Fields, table: TypeTable): Fields {
  const plan = planOf(table);
  let order = -1;
  let always = 0;
  let seen = 0;
  for (const key in object) {
    const field = plan.byName.get(key);
    if (field === undefined || field.order < order) return rebuild(object, plan, seen);
    const old = object[key];
    const value = normalValue(field, old);
    if (value === undefined || value !== old) return rebuild(object, plan, seen, field, value);
    order = field.order;
    if (field.always) always++;
    seen++;
  }
  return always === plan.always ? object : rebuild(object, plan, seen);
}

/** Makes the struct anew. The first `seen` fields are known to be normal, and so is the one that changed: no part is walked twice. */
function rebuild(object: Fields, plan: StructPlan, seen: number, changed?: Plan, changedTo?: unknown): Fields {
  const known: unknown[] = [];
  let at = 0;
  for (const key in object) {
    if (at++ === seen) break;
    known[plan.byName.get(key)?.order ?? 0] = object[key];
  }
  const out: Fields = {};
  for (const field of plan.fields) {
    const { name, order } = field;
    const value =
      field === changed
        ? changedTo
        : order in known
          ? known[order]
          : normalValue(field, Object.hasOwn(object, name) ? object[name] : undefined);
    if (value !== undefined) out[name] = value;
  }
  return out;
}

/** A field's value as printed; undefined when it is left out. */
function normalValue(field: Plan, value: unknown): unknown {
  const { shape } = field;
  if (value === undefined || value === null) return unsetValue(field);
  if (shape.kind === "string" || shape.kind === "boolean")
    return value || field.pointer || !field.omitempty ? value : undefined;
  const normal = canonical(shape, value);
  if (normal === null) return field.pointer || !field.omitzero ? null : undefined;
  return field.omitempty && !field.pointer && isEmpty(shape, normal) ? undefined : normal;
}

/** What Go prints of a field that was never set; undefined: nothing. */
export function unsetValue(field: Plan): unknown {
  if (!field.always) return undefined;
  return field.pointer ? null : zeroOf(field.shape);
}

/** Go's zero value as JSON. */
function zeroOf(shape: Shape): unknown {
  switch (shape.kind) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "struct":
      return struct({}, shape.table);
    case "quantity":
      return "0";
    case "duration":
      return "0s";
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
    case "double":
    case "intOrString":
      return 0;
    default:
      return null;
  }
}

/** Whether `omitempty` leaves the value out. */
export function isEmpty(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case "list":
      return (value as readonly unknown[]).length === 0;
    case "map":
      for (const _ in value as Fields) return false;
      return true;
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
    case "double":
      return value === 0;
    case "bytes":
      return value === "";
    default:
      return false;
  }
}

/** A set value in canonical form; the same one when it already is. */
function canonical(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case "struct":
      return struct(value as Fields, shape.table);
    case "list":
      return list(shape.item, value as readonly unknown[]);
    case "map":
      return map(shape.item, value as Fields);
    case "quantity":
      return canonicalQuantity(value as string);
    case "time":
      return canonicalTime(value as string);
    case "microTime":
      return canonicalMicroTime(value as string);
    case "duration":
      return canonicalDuration(value as string);
    case "bytes":
      return canonicalBase64(value as string);
    case "double":
      return typeof value === "bigint" ? Number(value) : value;
    case "schemaOrBool":
    case "schemaOrArray":
    case "schemaOrStrings":
      return schema(value);
    default:
      return value;
  }
}

const SCHEMA = "apiextensions.v1.JSONSchemaProps";

function schema(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return normalize(value, { type: SCHEMA });
  const items = value as readonly unknown[];
  const normal = items.map(schema);
  return normal.every((item, i) => item === items[i]) ? value : normal;
}

function canonicalDuration(text: string): string {
  const printed = formatDuration(parseDuration(text));
  return printed === text ? text : printed;
}

function item(shape: Shape, value: unknown): unknown {
  return value === null || value === undefined ? zeroOf(shape) : canonical(shape, value);
}

function list(shape: Shape, old: readonly unknown[]): readonly unknown[] {
  if (shape.kind === "string" && !old.includes(null)) return old;
  for (let i = 0; i < old.length; i++) {
    const value = item(shape, old[i]);
    if (value !== old[i]) return [...old.slice(0, i), value, ...old.slice(i + 1).map((rest) => item(shape, rest))];
  }
  return old;
}

function map(shape: Shape, old: Fields): Fields {
  let last = "";
  for (const key in old) {
    const value = old[key];
    if (key < last || item(shape, value) !== value) return rebuildMap(shape, old);
    last = key;
  }
  return old;
}

function rebuildMap(shape: Shape, old: Fields): Fields {
  const entries = Object.keys(old)
    .toSorted()
    .map((key) => [key, item(shape, old[key])] as const);
  return Object.fromEntries(entries);
}
