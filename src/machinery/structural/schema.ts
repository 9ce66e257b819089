/** A CustomResourceDefinition's schema, as it is written: OpenAPI v3 with Kubernetes' extensions. */
export interface JsonSchema {
  readonly type?: string;
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly maxItems?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly multipleOf?: number;
  readonly enum?: readonly unknown[];
  readonly maxProperties?: number;
  readonly minProperties?: number;
  readonly required?: readonly string[];
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
  readonly [other: string]: unknown;
}

/** One entry of x-kubernetes-validations. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** A schema read once: what pruning, defaulting, list rules and apply must know of a value, without looking names up twice. */
export interface Structural {
  readonly schema: JsonSchema;
  readonly type: string;
  readonly nullable: boolean;
  /** Undefined: none. */
  readonly default: unknown;
  readonly properties: ReadonlyMap<string, Structural>;
  /** Of all other fields; `true`: anything (which pruning empties); undefined: there are none. */
  readonly additional: Structural | true | undefined;
  readonly items: Structural | undefined;
  readonly preserveUnknown: boolean;
  readonly embedded: boolean;
  readonly intOrString: boolean;
  readonly listType: string;
  readonly listKeys: readonly string[];
  readonly mapType: string;
  readonly rules: readonly ValidationRule[];
  /** Whether this or anything below has a default. */
  readonly hasDefaults: boolean;
  /** Whether this or anything below has rules in CEL. */
  readonly hasRules: boolean;
  /** Whether anything below this is an embedded resource. */
  readonly hasEmbedded: boolean;
  /** Whether anything below this is a list of type set or map. */
  readonly hasKeyedLists: boolean;
}

/** Reads a schema. It is taken to be structural; parts that are not (lists of item schemas) are left out. */
export function structuralOf(schema: JsonSchema): Structural {
  const properties = new Map(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [name, structuralOf(property)] as const),
  );
  const { items, additionalProperties: other } = schema;
  const item = items && !Array.isArray(items) ? structuralOf(items as JsonSchema) : undefined;
  const additional = typeof other === "object" ? structuralOf(other) : other === true ? true : undefined;
  const below = [
    ...properties.values(),
    ...(item ? [item] : []),
    ...(typeof additional === "object" ? [additional] : []),
  ];
  const rules = schema["x-kubernetes-validations"] ?? [];
  const listType = schema["x-kubernetes-list-type"] ?? "";
  return {
    schema,
    type: schema.type ?? "",
    nullable: schema.nullable === true,
    default: schema.default,
    properties,
    additional,
    items: item,
    preserveUnknown: schema["x-kubernetes-preserve-unknown-fields"] === true,
    embedded: schema["x-kubernetes-embedded-resource"] === true,
    intOrString: schema["x-kubernetes-int-or-string"] === true,
    listType,
    listKeys: schema["x-kubernetes-list-map-keys"] ?? [],
    mapType: schema["x-kubernetes-map-type"] ?? "",
    rules,
    hasDefaults: schema.default !== undefined || below.some((s) => s.hasDefaults),
    hasRules: rules.length > 0 || below.some((s) => s.hasRules),
    hasEmbedded: schema["x-kubernetes-embedded-resource"] === true || below.some((s) => s.hasEmbedded),
    hasKeyedLists: listType === "set" || listType === "map" || below.some((s) => s.hasKeyedLists),
  };
}
