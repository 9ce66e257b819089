import type { Component } from "../kit/index.ts";
import type { Resource } from "../api/index.ts";

/** The least an object must have to be cached. */
export interface CachedObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
}

/** `namespace/name`, or `name` for cluster-scoped objects. */
export type CacheKey = string;

/** A local, eventually consistent copy of one resource. Reads cost no request; what they return is immutable. */
export interface Lister<T> {
  get(key: CacheKey): T | undefined;
  list(namespace?: string): Iterable<T>;
  /** All objects whose index function gave `value`. The index must have been added before the informer started. */
  byIndex(index: string, value: string): Iterable<T>;
  readonly size: number;
}

export interface InformerHandler<T> {
  added?(object: T, initial: boolean): void;
  updated?(object: T, previous: T): void;
  /** `object` is the last state known; the deletion itself may have been seen only by its absence after a relist. */
  deleted?(object: T): void;
}

/** One list and watch, shared by everybody who asks the factory for the resource. */
export interface Informer<T> {
  readonly resource: Resource<T>;
  readonly lister: Lister<T>;
  /** Handlers run synchronously, in order; a handler that joins late first gets everything as `added`. Returns how to leave. */
  handle(handler: InformerHandler<T>): () => void;
  addIndex(index: string, values: (object: T) => readonly string[]): void;
  readonly synced: boolean;
  /** Resolves once the first list was delivered to all handlers. */
  whenSynced(signal?: AbortSignal): Promise<void>;
}

/** Hands out one informer per resource and selector; running it runs them all, including those asked for later. */
export interface InformerFactory extends Component {
  informer<T extends CachedObject>(resource: Resource<T>, options?: InformerOptions): Informer<T>;
  whenSynced(signal?: AbortSignal): Promise<void>;
  /** Stops an informer and forgets it, for resources that are no longer served. Asking again makes a new one. */
  drop<T>(informer: Informer<T>): void;
}

export interface InformerOptions {
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}
