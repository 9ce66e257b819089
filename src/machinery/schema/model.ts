/** Types whose JSON form their own code reads and writes, upstream and here. */
export type SpecialKind =
  | "quantity"
  | "intOrString"
  | "time"
  | "microTime"
  | "duration"
  | "raw"
  | "fields"
  | "json"
  | "schemaOrArray"
  | "schemaOrBool"
  | "schemaOrStrings";

/** Types that are one JSON scalar, or anything. */
export type ScalarKind = "string" | "boolean" | "int32" | "int64" | "uint32" | "uint64" | "double" | "bytes" | "any";

/** What values a field holds. */
export type Shape =
  | { readonly kind: ScalarKind }
  | { readonly kind: SpecialKind }
  | { readonly kind: "struct"; readonly table: TypeTable }
  | { readonly kind: "list" | "map"; readonly item: Shape };

/** How server-side apply and strategic merge treat a list or a map. */
export interface Topology {
  /** Lists: atomic, set, map. Maps and structs: granular, atomic. */
  readonly list: "atomic" | "set" | "map" | "granular";
  /** Of a list of type map: the fields that tell its items apart. */
  readonly keys: readonly string[];
}

/** One field of a type, as upstream's Go struct declares it. */
export interface Field {
  readonly name: string;
  /** Position in the struct, and so in JSON output. */
  readonly order: number;
  readonly shape: Shape;
  readonly required: boolean;
  readonly omitempty: boolean;
  readonly omitzero: boolean;
  readonly pointer: boolean;
  readonly topology: Topology;
  /** Strategic merge: `merge`, `replace`, `retainKeys`. */
  readonly patchStrategies: readonly string[];
  readonly patchMergeKey: string;
  /** Values of the enumeration; empty: any. */
  readonly values: readonly string[];
  /** The default that OpenAPI shows, where it is more than the zero value. */
  readonly default?: unknown;
  /** Protobuf numbers: of the messages that this one is inlined from, then its own; empty: not in protobuf. */
  readonly numbers: readonly number[];
  /** In protobuf the list sits in a message of its own. */
  readonly wrapped: boolean;
}

/** One type. Built-in ones come from the generated tables; others may be made by whoever knows their schema. */
export interface TypeTable {
  /** Such as `core.v1.Pod`. */
  readonly name: string;
  /** As Go prints the type: `v1.Pod`. */
  readonly goName: string;
  /** Import path and name, from which the OpenAPI and protobuf names follow: `k8s.io/api/core/v1.Pod`. */
  readonly goPath: string;
  readonly fields: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
  /** The struct is applied as a whole. */
  readonly atomic: boolean;
}
