import type { Field, Shape, TypeTable } from "../../machinery/index.ts";

/** JSON of a schema, an operation, a document. */
export type Json = Record<string, unknown>;

/** The two published forms. */
export type Flavour = "v2" | "v3";

/** Where schemas of a flavour lie. */
const PREFIX: Readonly<Record<Flavour, string>> = { v2: "#/definitions/", v3: "#/components/schemas/" };

/** `k8s.io/api/core/v1.Pod` → `io.k8s.api.core.v1.Pod`. */
export function schemaName(goPath: string): string {
  const slash = goPath.indexOf("/");
  if (slash < 0) return goPath;
  const host = goPath.slice(0, slash).split(".").toReversed().join(".");
  return `${host}.${goPath.slice(slash + 1).replaceAll("/", ".")}`;
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";

/** Types whose schema is not that of their fields: what they are called, and what they are. */
const SPECIAL: Readonly<Record<string, readonly [name: string, schema: Readonly<Record<Flavour, Json>>]>> = {
  quantity: [
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
    { v2: { type: "string" }, v3: { oneOf: [{ type: "string" }, { type: "number" }] } },
  ],
  intOrString: [
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    {
      v2: { type: "string", format: "int-or-string" },
      v3: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
    },
  ],
  time: [`${META}Time`, both({ type: "string", format: "date-time" })],
  microTime: [`${META}MicroTime`, both({ type: "string", format: "date-time" })],
  duration: [`${META}Duration`, both({ type: "string" })],
  raw: ["io.k8s.apimachinery.pkg.runtime.RawExtension", both({ type: "object" })],
  fields: [`${META}FieldsV1`, both({ type: "object" })],
  json: [`${EXTENSIONS}JSON`, both({})],
  schemaOrArray: [`${EXTENSIONS}JSONSchemaPropsOrArray`, both({})],
  schemaOrBool: [`${EXTENSIONS}JSONSchemaPropsOrBool`, both({})],
  schemaOrStrings: [`${EXTENSIONS}JSONSchemaPropsOrStringArray`, both({})],
};

function both(schema: Json): Record<Flavour, Json> {
  return { v2: schema, v3: schema };
}

const SCALARS: Readonly<Record<string, Json>> = {
  string: { type: "string" },
  boolean: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  uint32: { type: "integer", format: "int64" },
  uint64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
  any: {},
};

/** Zero values that v3 shows as defaults where Go always prints the field. */
const ZERO: Readonly<Record<string, unknown>> = { string: "", boolean: false, int32: 0, int64: 0, double: 0 };

/** Collects the schemas that a document needs, each once. */
export class Schemas {
  readonly flavour: Flavour;
  readonly #made = new Map<string, Json>();
  readonly #kinds: (table: TypeTable) => readonly Json[];

  /** `kinds`: the group, version and kind of a type, as the extension has them. */
  constructor(flavour: Flavour, kinds: (table: TypeTable) => readonly Json[]) {
    this.flavour = flavour;
    this.#kinds = kinds;
  }

  /** All that were asked for and what they refer to, sorted by name. */
  get all(): Json {
    return Object.fromEntries([...this.#made].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Adds a schema made elsewhere (of a custom resource); gives a reference to it. */
  add(name: string, schema: Json): Json {
    this.#made.set(name, schema);
    return this.#reference(name);
  }

  /** A reference to the schema of a type, which is made when it is new. */
  of(table: TypeTable): Json {
    const name = schemaName(table.goPath);
    if (!this.#made.has(name)) {
      this.#made.set(name, {});
      this.#made.set(name, this.#object(table));
    }
    return this.#reference(name);
  }

  #reference(name: string): Json {
    return { $ref: PREFIX[this.flavour] + name };
  }

  #object(table: TypeTable): Json {
    const required = table.fields.filter((field) => field.required).map((field) => field.name);
    const kinds = this.#kinds(table);
    return {
      type: "object",
      ...(required.length > 0 && { required }),
      ...(table.fields.length > 0 && { properties: this.#properties(table.fields) }),
      ...(table.atomic && { "x-kubernetes-map-type": "atomic" }),
      ...(kinds.length > 0 && { "x-kubernetes-group-version-kind": kinds }),
    };
  }

  #properties(fields: readonly Field[]): Json {
    return Object.fromEntries(
      fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((field) => [field.name, this.#property(field)]),
    );
  }

  #property(field: Field): Json {
    const { shape, topology, patchStrategies, patchMergeKey, values } = field;
    const fallback = this.#default(field);
    return {
      ...(fallback !== undefined && { default: fallback }),
      ...this.#shape(shape, true),
      ...(values.length > 0 && shape.kind === "string" && { enum: [...values] }),
      ...(shape.kind === "list" && listExtensions(topology)),
      ...(patchMergeKey !== "" && { "x-kubernetes-patch-merge-key": patchMergeKey }),
      ...(patchStrategies.length > 0 && { "x-kubernetes-patch-strategy": patchStrategies.join(",") }),
    };
  }

  #default({ default: value, shape, omitempty, pointer, required }: Field): unknown {
    if (value !== undefined) return value;
    if (this.flavour === "v2" || pointer) return undefined;
    if (shape.kind === "struct") return {};
    return required || !omitempty ? ZERO[shape.kind] : undefined;
  }

  /** `wrapped`: other keywords stand beside it, which a bare reference would hide in v3. */
  #shape(shape: Shape, wrapped: boolean): Json {
    switch (shape.kind) {
      case "list":
        return { type: "array", items: this.#item(shape.item) };
      case "map":
        return { type: "object", additionalProperties: this.#item(shape.item) };
      case "struct":
        return this.#wrap(this.of(shape.table), wrapped);
      default:
        return SCALARS[shape.kind] ?? this.#wrap(this.#special(shape.kind), wrapped);
    }
  }

  #item(shape: Shape): Json {
    const isObject = shape.kind === "struct";
    const zero = this.flavour === "v3" ? (isObject ? {} : ZERO[shape.kind]) : undefined;
    return { ...(zero !== undefined && { default: zero }), ...this.#shape(shape, isObject) };
  }

  #wrap(reference: Json, wrapped: boolean): Json {
    return this.flavour === "v3" && wrapped ? { allOf: [reference] } : reference;
  }

  #special(kind: string): Json {
    const [name, schemas] = SPECIAL[kind] ?? ["", both({})];
    if (!this.#made.has(name)) this.#made.set(name, schemas[this.flavour]);
    return this.#reference(name);
  }
}

function listExtensions({ list, keys }: Field["topology"]): Json {
  if (list === "granular") return {};
  return { "x-kubernetes-list-type": list, ...(keys.length > 0 && { "x-kubernetes-list-map-keys": [...keys] }) };
}
