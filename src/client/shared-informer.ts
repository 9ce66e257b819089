import type { Resource } from "../api/index.ts";
import type { Env, Logger } from "../kit/index.ts";
import { Latch, errorText } from "../kit/index.ts";
import type { CachedObject, CacheKey, Informer, InformerHandler, InformerOptions, Lister } from "./informer-types.ts";
import { ObjectStore, cacheKey } from "./object-store.ts";
import { resourcePath } from "./path.ts";
import type { ReflectorSink } from "./reflector.ts";
import { Reflector } from "./reflector.ts";
import type { Transport } from "./transport.ts";

export interface SharedInformerOptions<T> extends InformerOptions {
  readonly transport: Transport;
  readonly env: Env;
  readonly resource: Resource<T>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One reflector, its cache, and everybody who wants to know. A handler that throws is logged and hinders nobody. */
export class SharedInformer<T extends CachedObject> implements Informer<T> {
  readonly resource: Resource<T>;
  readonly #log: Logger;
  readonly #store: ObjectStore<T>;
  readonly #reflector: Reflector<T>;
  readonly #synced = new Latch();
  #handlers: readonly InformerHandler<T>[] = [];

  constructor(options: SharedInformerOptions<T>) {
    const { resource, transport, env } = options;
    this.resource = resource;
    this.#log = env.log.with({ informer: resource.resource });
    this.#store = new ObjectStore<T>((index, object, error) =>
      this.#log.error("Index function failed", { index, object: cacheKey(object), error: errorText(error) }),
    );
    this.#reflector = new Reflector<T>({
      transport,
      env,
      path: resourcePath(resource, { namespace: options.namespace }),
      description: resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`,
      sink: this.#sink(),
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      headers: options.headers,
    });
  }

  get lister(): Lister<T> {
    return this.#store;
  }

  get synced(): boolean {
    return this.#synced.isOpen;
  }

  /** The revision up to which the cache is known to be whole. */
  get resourceVersion(): string {
    return this.#reflector.resourceVersion;
  }

  whenSynced(signal?: AbortSignal): Promise<void> {
    return this.#synced.wait(signal);
  }

  addIndex(index: string, values: (object: T) => readonly string[]): void {
    this.#store.addIndex(index, values);
  }

  handle(handler: InformerHandler<T>): () => void {
    for (const object of this.#store.list()) {
      try {
        handler.added?.(object, true);
      } catch (error) {
        this.#handlerFailed("added", object, error);
      }
    }
    this.#handlers = [...this.#handlers, handler];
    return () => {
      this.#handlers = this.#handlers.filter((h) => h !== handler);
    };
  }

  /** Follows the server until the signal aborts. The cache stays as it was. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  #sink(): ReflectorSink<T> {
    return {
      replace: (objects) => this.#replace(objects),
      upsert: (key, object) => this.#upsert(key, object, false),
      remove: (key, object) => {
        this.#store.delete(key);
        this.#deleted(object);
      },
    };
  }

  #replace(objects: ReadonlyMap<CacheKey, T>): void {
    const initial = !this.#synced.isOpen;
    for (const key of this.#store.keys()) {
      if (objects.has(key)) continue;
      const gone = this.#store.delete(key);
      if (gone) this.#deleted(gone);
    }
    for (const [key, object] of objects) this.#upsert(key, object, initial);
    this.#synced.open();
  }

  #upsert(key: CacheKey, object: T, initial: boolean): void {
    const previous = this.#store.set(key, object);
    if (!previous) {
      this.#added(object, initial);
    } else if (previous.metadata.uid !== object.metadata.uid) {
      // Deleted and made anew while nobody watched: two objects, not one that changed.
      this.#deleted(previous);
      this.#added(object, initial);
    } else if (previous.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#updated(object, previous);
    }
  }

  #added(object: T, initial: boolean): void {
    for (const handler of this.#handlers) {
      try {
        handler.added?.(object, initial);
      } catch (error) {
        this.#handlerFailed("added", object, error);
      }
    }
  }

  #updated(object: T, previous: T): void {
    for (const handler of this.#handlers) {
      try {
        handler.updated?.(object, previous);
      } catch (error) {
        this.#handlerFailed("updated", object, error);
      }
    }
  }

  #deleted(object: T): void {
    for (const handler of this.#handlers) {
      try {
        handler.deleted?.(object);
      } catch (error) {
        this.#handlerFailed("deleted", object, error);
      }
    }
  }

  #handlerFailed(event: string, object: T, error: unknown): void {
    this.#log.error("Informer handler failed", { event, object: cacheKey(object), error: errorText(error) });
  }
}
