import type { Draft, Resource } from "../api/index.ts";
import type { Transport } from "./transport.ts";

/** Which object: `namespace` is absent for cluster-scoped resources. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
}

export interface WriteOptions {
  /** `status`, `scale`, `binding`, `eviction`, `token`, ... */
  readonly subresource?: string;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** One patch. `apply` is server-side apply and needs `WriteOptions.fieldManager`. */
export type Patch =
  | { readonly type: "json"; readonly body: readonly unknown[] }
  | { readonly type: "merge" | "strategic"; readonly body: unknown }
  | { readonly type: "apply"; readonly body: unknown; readonly force?: boolean };

export interface List<T> {
  readonly items: readonly T[];
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

export type TypedWatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean };

/**
 * The verbs of one resource. Whatever comes back is immutable and may be shared with others in the process: copy before
 * changing. Failures reject with `StatusError` (see machinery), whose predicates (`isNotFound`, `isConflict`, ...) tell them apart.
 */
export interface ResourceClient<T> {
  readonly resource: Resource<T>;
  get(
    key: ObjectKey,
    options?: { readonly subresource?: string; readonly resourceVersion?: string; readonly signal?: AbortSignal },
  ): Promise<T>;
  list(options?: ListOptions): Promise<List<T>>;
  watch(options: WatchOptions): AsyncIterable<TypedWatchEvent<T>>;
  /** `kind` and `apiVersion` are filled in. With a subresource, `name` says of which object, and the answer is that subresource's. */
  create(object: Draft<T>, options?: WriteOptions & { readonly name?: string }): Promise<T>;
  update(object: Draft<T>, options?: WriteOptions): Promise<T>;
  patch(key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  delete(key: ObjectKey, options?: DeleteOptions): Promise<void>;
  deleteCollection(list: ListOptions, options?: DeleteOptions): Promise<void>;
}

/** A client with one identity. Cheap: holds no connection of its own. */
export interface Client {
  readonly transport: Transport;
  resource<T>(resource: Resource<T>): ResourceClient<T>;
}
