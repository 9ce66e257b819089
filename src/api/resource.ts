/** A group, version and kind. The core group is the empty string. */
export type GroupVersionKind = readonly [group: string, version: string, kind: string];

/** A subresource as discovery lists it. */
export interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly kind: GroupVersionKind;
}

/**
 * One resource of one version as the API serves it: what discovery says, and what the generic registry needs to know.
 * `T` is the type of its objects as served; it exists only for the compiler.
 */
export interface Resource<T = unknown> {
  readonly group: string;
  readonly version: string;
  /** Lower-case plural: the path segment. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly enabledByDefault: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly responseKind: GroupVersionKind;
  /** The group and version objects are stored in; absent for resources that are not stored (reviews, bindings). */
  readonly storage?: readonly [group: string, version: string];
  readonly storageVersionHash?: string;
  /** The key prefix below `/registry/`. */
  readonly etcdPrefix?: string;
  readonly subresources: readonly Subresource[];
  /** What a field selector may name. */
  readonly selectableFields: readonly string[];
  /** PUT to a name that does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** PUT without a resourceVersion is allowed. */
  readonly unconditionalUpdate: boolean;
  /** Dependents' fate when a DELETE does not say. */
  readonly gc?: readonly string[];
  readonly $type?: T;
}

/** A group with its versions, as discovery orders them. */
export interface ApiGroup {
  /** Empty: the core group. */
  readonly name: string;
  readonly preferredVersion: string;
  readonly versions: readonly {
    readonly version: string;
    readonly enabledByDefault: boolean;
    readonly groupPriority?: number;
    readonly versionPriority?: number;
  }[];
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(resource: Pick<Resource, "group" | "version">): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** What a caller may send where the server fills in the rest: every field optional, at every depth. */
export type Draft<T> = T extends readonly (infer E)[]
  ? Draft<E>[]
  : T extends object
    ? { [K in keyof T]?: Draft<T[K]> }
    : T;
