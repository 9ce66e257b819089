import { CodedError } from "../kit/index.ts";
import type { CachedObject, CacheKey, Lister } from "./informer-types.ts";

export type IndexFunction<T> = (object: T) => readonly string[];

interface Index<T> {
  readonly values: IndexFunction<T>;
  readonly buckets: Map<string, Map<CacheKey, T>>;
}

const BY_NAMESPACE = "namespace";
const NOTHING: readonly never[] = [];

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function cacheKey(object: CachedObject): CacheKey {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

/** Objects by key, with indexes; a change costs O(1) an index value. Holds references, copies nothing. */
export class ObjectStore<T extends CachedObject> implements Lister<T> {
  readonly #objects = new Map<CacheKey, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #onIndexError: (index: string, object: T, error: unknown) => void;

  /** An object whose index function throws is left out of that index. */
  constructor(onIndexError: (index: string, object: T, error: unknown) => void = () => undefined) {
    this.#onIndexError = onIndexError;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: CacheKey): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): Iterable<T> {
    if (namespace === undefined) return this.#objects.values();
    if (!this.#indexes.has(BY_NAMESPACE)) this.addIndex(BY_NAMESPACE, namespaceOf);
    return this.byIndex(BY_NAMESPACE, namespace);
  }

  byIndex(index: string, value: string): Iterable<T> {
    const found = this.#indexes.get(index);
    if (!found) throw new CodedError("IndexUnknown", `no index "${index}" was added to this informer`);
    return found.buckets.get(value)?.values() ?? NOTHING;
  }

  /** Indexes what is there, and whatever comes. The same function may be added twice under its name, another may not. */
  addIndex(name: string, values: IndexFunction<T>): void {
    const known = this.#indexes.get(name);
    if (known?.values === values) return;
    if (known) throw new CodedError("IndexConflict", `index "${name}" exists already with another function`);
    const index: Index<T> = { values, buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) {
      for (const value of this.#valuesOf(name, index, object)) put(index, value, key, object);
    }
  }

  /** Puts an object in; gives what it replaces. */
  set(key: CacheKey, object: T): T | undefined {
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const [name, index] of this.#indexes) {
      const after = this.#valuesOf(name, index, object);
      if (previous) {
        for (const value of this.#valuesOf(name, index, previous)) {
          if (!after.includes(value)) drop(index, value, key);
        }
      }
      for (const value of after) put(index, value, key, object);
    }
    return previous;
  }

  /** Takes an object out; gives what was there. */
  delete(key: CacheKey): T | undefined {
    const previous = this.#objects.get(key);
    if (!previous) return undefined;
    this.#objects.delete(key);
    for (const [name, index] of this.#indexes) {
      for (const value of this.#valuesOf(name, index, previous)) drop(index, value, key);
    }
    return previous;
  }

  keys(): Iterable<CacheKey> {
    return this.#objects.keys();
  }

  #valuesOf(name: string, index: Index<T>, object: T): readonly string[] {
    try {
      return index.values(object);
    } catch (error) {
      this.#onIndexError(name, object, error);
      return NOTHING;
    }
  }
}

function namespaceOf(object: CachedObject): readonly string[] {
  return [object.metadata.namespace ?? ""];
}

function put<T>(index: Index<T>, value: string, key: CacheKey, object: T): void {
  const bucket = index.buckets.get(value);
  if (bucket) bucket.set(key, object);
  else index.buckets.set(value, new Map([[key, object]]));
}

function drop<T>(index: Index<T>, value: string, key: CacheKey): void {
  const bucket = index.buckets.get(value);
  if (!bucket) return;
  bucket.delete(key);
  if (bucket.size === 0) index.buckets.delete(value);
}
