import type { Draft, Resource } from "../api/index.ts";
import { apiVersionOf } from "../api/index.ts";
import { formatApiVersion } from "../machinery/index.ts";
import type {
  Client,
  DeleteOptions,
  List,
  ListOptions,
  ObjectKey,
  Patch,
  ResourceClient,
  TypedWatchEvent,
  WatchOptions,
  WriteOptions,
} from "./client.ts";
import { objectPath, requireNamespace, resourcePath } from "./path.ts";
import { deleteBody, listQuery, watchQuery, writeQuery } from "./query.ts";
import type { ApiRequest, Transport, WatchEvent } from "./transport.ts";
import { bookmarkOf, withItemKinds } from "./watch-event.ts";

/** A typed client over `transport`. */
export function createClient(transport: Transport): Client {
  const known = new WeakMap<Resource, ResourceClient<unknown>>();
  return {
    transport,
    resource: <T>(resource: Resource<T>): ResourceClient<T> => {
      let client = known.get(resource);
      if (!client) {
        client = new TransportResourceClient<unknown>(transport, resource);
        known.set(resource, client);
      }
      return client as ResourceClient<T>;
    },
  };
}

/** The media type of each kind of patch. */
export const PATCH_TYPES: Readonly<Record<Patch["type"], string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

interface Identified {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

class TransportResourceClient<T> implements ResourceClient<T> {
  readonly resource: Resource<T>;
  readonly #transport: Transport;

  constructor(transport: Transport, resource: Resource<T>) {
    this.#transport = transport;
    this.resource = resource;
  }

  async get(
    key: ObjectKey,
    options: { readonly subresource?: string; readonly resourceVersion?: string; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const { subresource, resourceVersion, signal } = options;
    const path = objectPath(this.resource, { ...key, subresource });
    return this.#send({ method: "GET", path, ...(resourceVersion && { query: { resourceVersion } }) }, signal);
  }

  async list(options: ListOptions = {}): Promise<List<T>> {
    const path = resourcePath(this.resource, { namespace: options.namespace });
    return withItemKinds(await this.#send<List<T>>({ method: "GET", path, query: listQuery(options) }, options.signal));
  }

  watch(options: WatchOptions): AsyncIterable<TypedWatchEvent<T>> {
    const path = resourcePath(this.resource, { namespace: options.namespace });
    const request = withSignal({ method: "GET", path, query: watchQuery(options) }, options.signal);
    return typedEvents<T>(this.#transport.watch(request), options.signal);
  }

  async create(object: Draft<T>, options: WriteOptions & { readonly name?: string } = {}): Promise<T> {
    const { namespace } = (object as Identified).metadata ?? {};
    requireNamespace(this.resource, namespace);
    const { subresource, name } = options;
    const path = resourcePath(this.resource, { namespace, name, subresource });
    return this.#write("POST", path, this.#typed(object, subresource), options);
  }

  async update(object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    const { subresource } = options;
    const path = objectPath(this.resource, { ...(object as Identified).metadata, subresource });
    return this.#write("PUT", path, this.#typed(object, subresource), options);
  }

  async patch(key: ObjectKey, patch: Patch, options: WriteOptions = {}): Promise<T> {
    const { subresource } = options;
    const path = objectPath(this.resource, { ...key, subresource });
    const force = patch.type === "apply" && patch.force ? "true" : undefined;
    const body = patch.type === "apply" ? this.#typed(patch.body, subresource) : patch.body;
    const query = { ...writeQuery(options), force };
    return this.#send({ method: "PATCH", path, query, body, contentType: PATCH_TYPES[patch.type] }, options.signal);
  }

  async delete(key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    const path = objectPath(this.resource, key);
    await this.#send({ method: "DELETE", path, ...withBody(deleteBody(options)) }, options.signal);
  }

  async deleteCollection(list: ListOptions, options: DeleteOptions = {}): Promise<void> {
    const path = resourcePath(this.resource, { namespace: list.namespace });
    const request = { method: "DELETE", path, query: listQuery(list), ...withBody(deleteBody(options)) } as const;
    await this.#send(request, options.signal ?? list.signal);
  }

  #write(method: "POST" | "PUT", path: string, body: unknown, options: WriteOptions): Promise<T> {
    return this.#send({ method, path, query: writeQuery(options), body }, options.signal);
  }

  async #send<R>(request: ApiRequest, signal: AbortSignal | undefined): Promise<R> {
    signal?.throwIfAborted();
    const { body } = await this.#transport.request(withSignal(request, signal));
    return body as R;
  }

  /** Fills in kind and apiVersion, those of the subresource when there is one. */
  #typed(object: unknown, subresource: string | undefined): unknown {
    const [kind, apiVersion] = this.#kindOf(subresource);
    return { kind, apiVersion, ...(object as object) };
  }

  #kindOf(subresource: string | undefined): readonly [kind: string, apiVersion: string] {
    const sub = subresource && this.resource.subresources.find((s) => s.name === subresource);
    if (!sub) return [this.resource.kind, apiVersionOf(this.resource)];
    const [group, version, kind] = sub.kind;
    return [kind, formatApiVersion(group, version)];
  }
}

function withSignal(request: ApiRequest, signal: AbortSignal | undefined): ApiRequest {
  return signal ? { ...request, signal } : request;
}

function withBody(body: unknown): { readonly body?: unknown } {
  return body === undefined ? {} : { body };
}

/** The same events, bookmarks opened; adds no buffer of its own. Once aborted, it throws the signal's reason. */
function typedEvents<T>(
  events: AsyncIterable<WatchEvent>,
  signal: AbortSignal | undefined,
): AsyncIterable<TypedWatchEvent<T>> {
  const typed = (event: WatchEvent): TypedWatchEvent<T> =>
    event.type === "BOOKMARK" ? { type: "BOOKMARK", ...bookmarkOf(event.object) } : (event as TypedWatchEvent<T>);
  return {
    [Symbol.asyncIterator]: () => {
      const inner = events[Symbol.asyncIterator]();
      return {
        next: async () => {
          if (signal?.aborted) {
            await inner.return?.();
            throw signal.reason;
          }
          const result = await inner.next();
          if (!result.done) return { done: false, value: typed(result.value) };
          signal?.throwIfAborted();
          return { done: true, value: undefined };
        },
        return: async () => {
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
