import type { Shape, SpecialKind, TypeTable } from "./model.ts";

const SCALARS: Readonly<Record<string, Shape>> = {
  s: { kind: "string" },
  b: { kind: "boolean" },
  i: { kind: "int32" },
  l: { kind: "int64" },
  u: { kind: "uint32" },
  v: { kind: "uint64" },
  d: { kind: "double" },
  y: { kind: "bytes" },
  a: { kind: "any" },
};

const SPECIAL: Readonly<Record<string, SpecialKind>> = {
  "resource.Quantity": "quantity",
  "intstr.IntOrString": "intOrString",
  "meta.v1.Time": "time",
  "meta.v1.MicroTime": "microTime",
  "meta.v1.Duration": "duration",
  "runtime.RawExtension": "raw",
  "runtime.Unknown": "raw",
  "meta.v1.FieldsV1": "fields",
  "meta.v1.Patch": "json",
  "apiextensions.v1.JSON": "json",
  "apiextensions.v1.JSONSchemaPropsOrArray": "schemaOrArray",
  "apiextensions.v1.JSONSchemaPropsOrBool": "schemaOrBool",
  "apiextensions.v1.JSONSchemaPropsOrStringArray": "schemaOrStrings",
};

/** The special kind of a type, if it has one. */
export function specialKind(typeName: string): SpecialKind | undefined {
  return SPECIAL[typeName];
}

/**
 * Reads a shape as the tables write it. `module` resolves names that begin with a dot; `resolve` gives the table of a
 * type, and is asked only when the struct is first walked, because types refer to themselves.
 */
export function parseShape(text: string, module: string, resolve: (name: string) => TypeTable): Shape {
  const first = text.charAt(0);
  if (first === "[") return { kind: "list", item: parseShape(text.slice(1), module, resolve) };
  if (first === "{") return { kind: "map", item: parseShape(text.slice(1), module, resolve) };
  const scalar = SCALARS[text];
  if (scalar) return scalar;
  const name = first === "." ? module + text : text;
  const special = SPECIAL[name];
  return special ? { kind: special } : new StructShape(name, resolve);
}

class StructShape {
  readonly kind = "struct";
  readonly #name: string;
  readonly #resolve: (name: string) => TypeTable;
  #table: TypeTable | undefined;

  constructor(name: string, resolve: (name: string) => TypeTable) {
    this.#name = name;
    this.#resolve = resolve;
  }

  get table(): TypeTable {
    return (this.#table ??= this.#resolve(this.#name));
  }
}
