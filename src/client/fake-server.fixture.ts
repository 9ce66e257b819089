import type { Resource } from "../api/index.ts";
import { AsyncQueue } from "../kit/index.ts";
import { alreadyExists, expired, notFound } from "../machinery/index.ts";
import { resourcePath } from "./path.ts";
import type { ApiRequest, ApiResponse, Transport, WatchEvent } from "./transport.ts";
import { INITIAL_EVENTS_END } from "./watch-event.ts";

interface Stored {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

interface Entry {
  readonly revision: number;
  readonly event: WatchEvent;
}

/**
 * Just enough of an API server for one resource to test clients against: create, get, list in pages, update, patch by
 * merging, delete, watch with resume, watch-list and bookmarks. Faults are injected by `intercept`.
 */
export class FakeServer<T extends Stored> implements Transport {
  readonly requests: ApiRequest[] = [];
  readonly objects = new Map<string, T>();
  revision = 0;
  /** History before this is gone. */
  compacted = 0;
  /** Throws, or answers instead of the server. */
  intercept: ((request: ApiRequest, isWatch: boolean) => ApiResponse | undefined) | undefined;
  readonly watches = new Set<AsyncQueue<WatchEvent>>();
  readonly #resource: Resource<T>;
  #history: Entry[] = [];
  #uid = 0;

  constructor(resource: Resource<T>) {
    this.#resource = resource;
  }

  // What the "server side" of a test does directly.

  put(name: string, more: object = {}, namespace = "default"): T {
    const path = this.#path(namespace, name);
    const old = this.objects.get(path);
    const uid = old?.metadata.uid ?? `uid-${++this.#uid}`;
    const metadata = { ...(more as Partial<Stored>).metadata, name, namespace, uid };
    return this.#commit(old ? "MODIFIED" : "ADDED", path, { kind: this.#resource.kind, ...more, metadata });
  }

  remove(name: string, namespace = "default"): void {
    const path = this.#path(namespace, name);
    const old = this.objects.get(path);
    if (!old) throw notFound(this.#resource, name);
    this.#commit("DELETED", path, old);
  }

  /** Ends all watches, with an error if given. */
  cut(error?: unknown): void {
    for (const watch of this.watches) {
      if (error === undefined) watch.close();
      else watch.fail(error);
    }
    this.watches.clear();
  }

  compact(): void {
    this.compacted = this.revision;
    this.#history = [];
  }

  bookmark(): void {
    for (const watch of this.watches) watch.push({ type: "BOOKMARK", object: this.#bookmark() });
  }

  /** The requests so far, as `GET pods?watch&resourceVersion=5`; forgets them. */
  takeRequests(): string[] {
    return this.requests.splice(0).map((r) => {
      const query = Object.entries(r.query ?? {})
        .filter(([key, value]) => value !== undefined && key !== "timeoutSeconds" && key !== "allowWatchBookmarks")
        .map(([key, value]) => `${key}=${String(value)}`);
      return `${r.method} ${r.path}${query.length > 0 ? "?" : ""}${query.join("&")}`;
    });
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(request);
    request.signal?.throwIfAborted();
    await Promise.resolve();
    return this.intercept?.(request, false) ?? { status: 200, headers: {}, body: this.#answer(request) };
  }

  watch(request: ApiRequest): AsyncIterable<WatchEvent> {
    const { signal, query = {} } = request;
    this.requests.push({ ...request, query: { watch: "true", ...query } });
    const queue = new AsyncQueue<WatchEvent>({ onClose: () => this.watches.delete(queue) });
    try {
      signal?.throwIfAborted();
      this.intercept?.(request, true);
      const from = Number(query["resourceVersion"] ?? 0);
      if (query["sendInitialEvents"] === "true") this.#sendAll(queue);
      else if (from < this.compacted) throw expired(`too old resource version: ${from} (${this.compacted})`);
      else for (const entry of this.#history) if (entry.revision > from) queue.push(entry.event);
      this.watches.add(queue);
      signal?.addEventListener("abort", () => queue.fail(signal.reason), { once: true });
    } catch (error) {
      queue.fail(error);
    }
    return queue;
  }

  #sendAll(queue: AsyncQueue<WatchEvent>): void {
    for (const object of this.objects.values()) queue.push({ type: "ADDED", object });
    const bookmark = this.#bookmark();
    Object.assign(bookmark.metadata, { annotations: { [INITIAL_EVENTS_END]: "true" } });
    queue.push({ type: "BOOKMARK", object: bookmark });
  }

  #bookmark(): { metadata: { resourceVersion: string } } {
    return { metadata: { resourceVersion: String(this.revision) } };
  }

  #answer(request: ApiRequest): unknown {
    const body = (request.body ?? {}) as Stored;
    const isCollection = request.path.endsWith(`/${this.#resource.resource}`);
    if (request.method === "GET" && isCollection) return this.#list(request);
    if (request.method === "POST" && isCollection) return this.#create(request.path, body);
    const found = this.objects.get(request.path);
    if (!found) throw notFound(this.#resource, request.path.split("/").at(-1) ?? "");
    if (request.method === "GET") return found;
    if (request.method === "DELETE") return this.#commit("DELETED", request.path, found);
    if (request.method === "PUT") return this.#commit("MODIFIED", request.path, body);
    const metadata = { ...found.metadata, ...body.metadata };
    return this.#commit("MODIFIED", request.path, { ...found, ...body, metadata });
  }

  #create(collection: string, body: Stored): T {
    const path = `${collection}/${encodeURIComponent(body.metadata.name)}`;
    if (this.objects.has(path)) throw alreadyExists(this.#resource, body.metadata.name);
    return this.#commit("ADDED", path, { ...body, metadata: { ...body.metadata, uid: `uid-${++this.#uid}` } });
  }

  #list(request: ApiRequest): unknown {
    const all = [...this.objects].filter(
      ([path]) => request.path.length >= path.length || this.#isIn(path, request.path),
    );
    const [token, limit] = [request.query?.["continue"], Number(request.query?.["limit"] ?? Infinity)];
    const start = token === undefined ? 0 : Number(token);
    const items = all.slice(start, start + limit).map(([, object]) => object);
    const more = start + limit < all.length ? { continue: String(start + limit) } : {};
    return { items, metadata: { resourceVersion: String(this.revision), ...more } };
  }

  #isIn(path: string, collection: string): boolean {
    return path.startsWith(`${collection}/`) || collection === resourcePath(this.#resource);
  }

  #commit(type: "ADDED" | "MODIFIED" | "DELETED", path: string, object: object): T {
    const revision = ++this.revision;
    const metadata = { ...(object as Stored).metadata, resourceVersion: String(revision) };
    const stored = Object.freeze({ ...object, metadata }) as unknown as T;
    if (type === "DELETED") this.objects.delete(path);
    else this.objects.set(path, stored);
    const event = { type, object: stored };
    this.#history.push({ revision, event });
    for (const watch of this.watches) watch.push(event);
    return stored;
  }

  #path(namespace: string, name: string): string {
    return resourcePath(this.#resource, { namespace, name });
  }
}
