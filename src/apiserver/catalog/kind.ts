import type { metav1, Resource } from "../../api/index.ts";
import type { ApplySchema } from "../../machinery/index.ts";
import type { ResourceCache, StoredObject } from "../cache/index.ts";
import type { ApiObject, Strategy } from "../seams/index.ts";

/**
 * One place in the store: a resource whatever the versions it is served in. Its objects are kept in the form of one of
 * them, the hub.
 */
export interface StoredKind {
  readonly hub: Resource;
  /** Full key prefix, such as `/registry/pods/`. */
  readonly prefix: string;
  readonly cache: ResourceCache;
  readonly strategy: Strategy;
  /** Objects vanish this many seconds after their last write (Events). */
  readonly ttlSeconds?: number;
  /** DELETE answers with the object rather than with a Status. */
  readonly returnsDeleted: boolean;
  /** What else than metadata.finalizers keeps a deleted object from going (a Namespace's spec.finalizers). */
  holdsBack?(object: ApiObject): boolean;
  /** Marks an object as deleted where that is more than a deletionTimestamp (a Namespace's phase); on a private copy. */
  terminate?(object: ApiObject): void;
}

/** How objects of one served version are read and turned into the hub's form and back. */
export interface ObjectModel {
  /**
   * Checks the shape of a decoded object, drops what the version does not know, and fills in defaults; changes it in place
   * or returns another one. `unknown` gets what strict validation would object to. Throws `StatusError`.
   */
  prepare(object: ApiObject, unknown: string[]): ApiObject;
  /** Absent: the hub's form and this version's are the same but for apiVersion. Both get a private copy to change. */
  readonly convert?: {
    toHub(object: ApiObject): ApiObject;
    fromHub(object: ApiObject): ApiObject;
  };
  /** What server-side apply must know of the version's objects; undefined: nothing can be applied. */
  applySchema?(): ApplySchema | undefined;
  /** Lists of built-in kinds leave kind and apiVersion out of their items; custom resources have them. */
  readonly typedItems: boolean;
}

/** One resource of one version, as requests name it. */
export interface Served {
  readonly resource: Resource;
  readonly model: ObjectModel;
  /** Absent for resources that are answered without being stored (reviews, bindings). */
  readonly kind?: StoredKind;
  /** Fields that a field selector may name, mapped to where they are in the object. */
  readonly fields: ReadonlyMap<string, string>;
  /** The OpenAPI schemas, where they do not follow from the tables of types (custom resources). */
  readonly schema?: PublishedSchema;
  /** What every request for the resource is warned of: that the version is deprecated. */
  readonly warnings?: readonly string[];
  /** Where a Scale's numbers are, where that is not as in built-in workloads (custom resources). */
  readonly scale?: ScalePaths;
  /** How objects are printed as a Table, where the built-in tables don't say (custom resources). */
  readonly table?: {
    readonly columns: readonly metav1.TableColumnDefinition[];
    readonly cells: (object: unknown, now: number) => unknown[];
  };
}

/** A schema in the two published forms; `properties` is missing where clients must not check fields. */
export interface PublishedSchema {
  readonly v2: Readonly<Record<string, unknown>>;
  readonly v3: Readonly<Record<string, unknown>>;
}

/** Where an object keeps what a Scale shows. Paths are of names, from the root. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** The selector's text. */
  selector(object: StoredObject): string;
}
