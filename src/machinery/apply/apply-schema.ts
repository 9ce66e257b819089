import type { Field, Shape, TypeTable } from "../schema/model.ts";

/** How a list is merged. */
export interface ApplyList {
  readonly item: ApplySchema;
  /** Items are told apart, by keys or (sets) by value; else the list is one value. */
  readonly associative: boolean;
  /** The key fields; empty for sets. */
  readonly keys: readonly string[];
}

/** How an object is merged. */
export interface ApplyMap {
  /** The schema of a declared field. */
  field(name: string): ApplySchema | undefined;
  /** The schema of all other fields; undefined: there are none. */
  readonly element?: ApplySchema | undefined;
  /** The object is one value. */
  readonly atomic: boolean;
  /** A key field's default, for items that leave it out. */
  defaultOf(name: string): unknown;
}

/**
 * What server-side apply must know of a value. Untyped values may be a scalar, a list or an object, and are what
 * they are.
 */
export interface ApplySchema {
  readonly scalar?: "string" | "numeric" | "boolean" | "untyped" | undefined;
  readonly list?: ApplyList | undefined;
  readonly map?: ApplyMap | undefined;
}

const nothing = (): undefined => undefined;

/** Anything, merged as one value. */
export const UNTYPED_ATOMIC: ApplySchema = {
  scalar: "untyped",
  get list(): ApplyList {
    return { item: UNTYPED_ATOMIC, associative: false, keys: [] };
  },
  get map(): ApplyMap {
    return { field: nothing, element: UNTYPED_ATOMIC, atomic: true, defaultOf: nothing };
  },
};

/** Anything: objects are merged field by field, lists as one value. For custom resources without a schema. */
export const DEDUCED: ApplySchema = {
  scalar: "untyped",
  list: { item: UNTYPED_ATOMIC, associative: false, keys: [] },
  get map(): ApplyMap {
    return { field: nothing, element: DEDUCED, atomic: false, defaultOf: nothing };
  },
};

const OPEN_OBJECT: ApplySchema = { map: { field: nothing, element: DEDUCED, atomic: false, defaultOf: nothing } };
const STRING: ApplySchema = { scalar: "string" };
const BOOLEAN: ApplySchema = { scalar: "boolean" };
const NUMERIC: ApplySchema = { scalar: "numeric" };
const UNTYPED: ApplySchema = { scalar: "untyped" };

const tables = new WeakMap<TypeTable, ApplySchema>();

/** The schema of a built-in type. */
export function applySchemaOf(table: TypeTable): ApplySchema {
  const known = tables.get(table);
  if (known) return known;
  if (table.fields.length === 0) return OPEN_OBJECT;
  const fields = new Map<string, ApplySchema>();
  const field = (name: string): ApplySchema | undefined => {
    const declared = table.byName.get(name);
    if (!declared) return undefined;
    const made = fields.get(name) ?? schemaOfShape(declared.shape, declared);
    fields.set(name, made);
    return made;
  };
  const defaultOf = (name: string): unknown => defaultOfField(table.byName.get(name));
  const schema = { map: { field, atomic: table.atomic, defaultOf } };
  tables.set(table, schema);
  return schema;
}

/** What OpenAPI says of it: the default, or the zero value of what is always there. */
function defaultOfField(field: Field | undefined): unknown {
  if (!field) return undefined;
  if (field.default !== undefined) return field.default;
  if (field.pointer || field.omitempty) return undefined;
  const zero: Partial<Record<Shape["kind"], unknown>> = { string: "", boolean: false, int32: 0, int64: 0 };
  return zero[field.shape.kind];
}

function schemaOfShape(shape: Shape, field?: Field): ApplySchema {
  switch (shape.kind) {
    case "struct":
      return applySchemaOf(shape.table);
    case "list":
      return {
        list: {
          item: schemaOfShape(shape.item),
          associative: field?.topology.list === "map" || field?.topology.list === "set",
          keys: field?.topology.keys ?? [],
        },
      };
    case "map":
      return {
        map: {
          field: nothing,
          element: schemaOfShape(shape.item),
          atomic: field?.topology.list === "atomic",
          defaultOf: nothing,
        },
      };
    case "string":
    case "bytes":
      return STRING;
    case "boolean":
      return BOOLEAN;
    case "fields":
      return OPEN_OBJECT;
    case "any":
    case "raw":
    case "json":
    case "schemaOrArray":
    case "schemaOrBool":
    case "schemaOrStrings":
      return UNTYPED_ATOMIC;
    case "double":
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
      return NUMERIC;
    default:
      return UNTYPED;
  }
}

/** Which of a schema's forms a value takes. A null, a missing value and a value that fits none take the first that there is. */
export function formOf(schema: ApplySchema, value: unknown): "map" | "scalar" | "list" {
  if (value !== undefined && value !== null) {
    if (Array.isArray(value)) {
      if (schema.list) return "list";
    } else if (typeof value === "object") {
      if (schema.map) return "map";
    } else if (schema.scalar) return "scalar";
  }
  return schema.map ? "map" : schema.scalar ? "scalar" : "list";
}
