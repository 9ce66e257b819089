import type { Env, Logger } from "../kit/index.ts";
import { Backoff, CodedError, errorText, isCoded } from "../kit/index.ts";
import { hasCause, isExpired, isInternalError, isTooManyRequests } from "../machinery/index.ts";
import type { List } from "./client.ts";
import type { CachedObject, CacheKey } from "./informer-types.ts";
import { connectionFailed, isConnectionError } from "./connection-error.ts";
import { cacheKey } from "./object-store.ts";
import { listAll } from "./pager.ts";
import { listQuery, watchQuery } from "./query.ts";
import type { Transport, WatchEvent } from "./transport.ts";
import { bookmarkOf, withItemKinds } from "./watch-event.ts";

/** Where a reflector puts what it sees. All calls are synchronous and must not throw. */
export interface ReflectorSink<T> {
  /** The whole state, as of one revision. */
  replace(objects: ReadonlyMap<CacheKey, T>): void;
  /** One object appeared or changed. */
  upsert(key: CacheKey, object: T): void;
  remove(key: CacheKey, object: T): void;
}

export interface ReflectorOptions<T> {
  readonly transport: Transport;
  readonly env: Env;
  /** Of the collection. */
  readonly path: string;
  /** For the log: `pods`. */
  readonly description: string;
  readonly sink: ReflectorSink<T>;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Extra request headers, such as an `accept` for metadata only. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether to ask for the first state as watch events; default true. A server that refuses is asked for a list. */
  readonly watchList?: boolean | undefined;
}

/** A watch lasts this long at least, seconds, and up to twice that. */
const MIN_WATCH_SECONDS = 300;
/** A quiet time after which failures no longer count, ms. */
const BACKOFF_RESET = 120_000;
/** A watch that ends sooner, ms, without one event counts as failed. */
const SHORT_WATCH = 1000;

/**
 * Keeps a sink equal to one collection of the server: takes the whole state, then follows the watch; resumes it where it
 * broke off, and takes the state anew when history is gone. It outlives every failure; `run` ends only with its signal.
 */
export class Reflector<T extends CachedObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #log: Logger;
  readonly #backoff: Backoff;
  #backoffUsedAt = 0;
  #resourceVersion = "";
  /** The last list or watch at `#resourceVersion` was refused: too old, or too new. */
  #resourceVersionUnavailable = false;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#log = options.env.log.with({ reflector: options.description });
    this.#backoff = new Backoff({ initial: 800, max: 30_000, jitter: 1, random: options.env.random });
  }

  /** The revision up to which the sink is known to be equal; empty before the first state. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error);
      }
      await this.#pause(signal);
    }
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const stream = (this.#options.watchList ?? true) ? await this.#watchList(signal) : undefined;
    if (!stream) await this.#list(signal);
    this.#log.debug("Cache filled", { resourceVersion: this.#resourceVersion });
    await this.#follow(stream, signal);
  }

  /** The state by a list, from the server's cache if it may be stale, else at least as new as what is known. */
  async #list(signal: AbortSignal): Promise<void> {
    const list = await this.#request(this.#relistVersion(), signal).catch((error: unknown) => {
      if (!isExpired(error) && !isTooNew(error)) throw error;
      this.#resourceVersionUnavailable = true;
      return this.#request("", signal);
    });
    this.#resourceVersionUnavailable = false;
    const objects = new Map<CacheKey, T>();
    for (const object of list.items) {
      if (this.#isUsable(object)) objects.set(cacheKey(object), object);
    }
    this.#options.sink.replace(objects);
    this.#resourceVersion = list.metadata.resourceVersion;
  }

  #relistVersion(): string {
    if (this.#resourceVersionUnavailable) return "";
    return this.#resourceVersion || "0";
  }

  #request(resourceVersion: string, signal: AbortSignal): Promise<List<T>> {
    const { transport, path, labelSelector, fieldSelector, headers } = this.#options;
    const page = async (options: Parameters<typeof listQuery>[0]): Promise<List<T>> => {
      const query = listQuery({ ...options, ...selectors(labelSelector, fieldSelector) });
      const { body } = await transport.request({ method: "GET", path, query, signal, ...(headers && { headers }) });
      return withItemKinds(body as List<T>);
    };
    // Paging reads the store; a list at a known revision in one piece is answered from the server's cache.
    if (resourceVersion !== "" && resourceVersion !== "0") return page({ resourceVersion });
    return listAll({ list: (options = {}) => page(options) }, resourceVersion === "" ? {} : { resourceVersion });
  }

  /** The state as the first events of a watch, which is left open; undefined when the server cannot do that. */
  async #watchList(signal: AbortSignal): Promise<EventStream | undefined> {
    for (;;) {
      const resourceVersion = this.#resourceVersionUnavailable ? "" : this.#resourceVersion;
      const stream = this.#open(signal, {
        sendInitialEvents: true,
        resourceVersionMatch: "NotOlderThan",
        resourceVersion,
      });
      try {
        await this.#fillFrom(stream);
        this.#resourceVersionUnavailable = false;
        return stream;
      } catch (error) {
        await stream.close();
        if (signal.aborted) throw error;
        if (isExpired(error) || isTooNew(error)) {
          if (this.#resourceVersionUnavailable) throw error;
          this.#resourceVersionUnavailable = true;
        } else if (isTooManyRequests(error) || isConnectionError(error)) {
          throw error;
        } else {
          this.#log.debug("Watch-list refused, listing instead", { error });
          return undefined;
        }
      }
    }
  }

  /** Collects events up to the bookmark that ends the initial ones. */
  async #fillFrom(stream: EventStream): Promise<void> {
    const objects = new Map<CacheKey, T>();
    for (let next = await stream.next(); !next.done; next = await stream.next()) {
      const event = next.value;
      if (event.type === "BOOKMARK") {
        const bookmark = bookmarkOf(event.object);
        if (!bookmark.initialEventsEnd) continue;
        this.#options.sink.replace(objects);
        this.#resourceVersion = bookmark.resourceVersion;
        return;
      }
      const object = event.object as T;
      if (!this.#isUsable(object)) continue;
      if (event.type === "DELETED") objects.delete(cacheKey(object));
      else objects.set(cacheKey(object), object);
    }
    throw connectionFailed("the watch ended before it had delivered the whole state");
  }

  /** Follows watches, one after the other, until the state must be taken anew. */
  async #follow(first: EventStream | undefined, signal: AbortSignal): Promise<void> {
    let stream = first;
    while (!signal.aborted) {
      stream ??= this.#open(signal, { resourceVersion: this.#resourceVersion });
      try {
        await this.#apply(stream);
      } catch (error) {
        if (signal.aborted || !isResumable(error)) throw error;
        this.#log.debug("Watch broke off, resuming", { error });
        await this.#pause(signal);
      } finally {
        await stream.close();
      }
      stream = undefined;
    }
  }

  async #apply(stream: EventStream): Promise<void> {
    const { clock } = this.#options.env;
    const start = clock.monotonic();
    let count = 0;
    for (let next = await stream.next(); !next.done; next = await stream.next()) {
      count++;
      this.#applyEvent(next.value);
    }
    if (count > 0 || clock.monotonic() - start >= SHORT_WATCH) return;
    throw new CodedError("VeryShortWatch", "the watch ended within a second and without an event");
  }

  #applyEvent(event: WatchEvent): void {
    if (event.type === "BOOKMARK") {
      this.#resourceVersion = bookmarkOf(event.object).resourceVersion;
      return;
    }
    const object = event.object as T;
    if (!this.#isUsable(object)) return;
    const key = cacheKey(object);
    if (event.type === "DELETED") this.#options.sink.remove(key, object);
    else this.#options.sink.upsert(key, object);
    this.#resourceVersion = object.metadata.resourceVersion;
  }

  #open(signal: AbortSignal, options: Parameters<typeof watchQuery>[0]): EventStream {
    const { transport, path, labelSelector, fieldSelector, headers, env } = this.#options;
    const timeoutSeconds = Math.floor(MIN_WATCH_SECONDS * (1 + env.random.float()));
    const query = watchQuery({
      ...options,
      ...selectors(labelSelector, fieldSelector),
      timeoutSeconds,
      allowWatchBookmarks: true,
    });
    return new EventStream(transport.watch({ method: "GET", path, query, signal, ...(headers && { headers }) }));
  }

  /** One object that makes no sense must not stop the others. */
  #isUsable(object: T | undefined): boolean {
    if (typeof object?.metadata?.name === "string" && object.metadata.name !== "") return true;
    this.#log.error("Ignoring an object without a name", { object });
    return false;
  }

  #report(error: unknown): void {
    if (isExpired(error) || isCoded(error, "VeryShortWatch")) {
      this.#log.debug("Watch closed", { error });
    } else {
      this.#log.error("Failed to watch", { error: errorText(error) });
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.env;
    const now = clock.monotonic();
    if (now - this.#backoffUsedAt > BACKOFF_RESET) this.#backoff.reset();
    this.#backoffUsedAt = now;
    await clock.sleep(this.#backoff.next(), signal).catch(() => undefined);
  }
}

/** A watch read event by event. */
class EventStream {
  readonly #iterator: AsyncIterator<WatchEvent>;

  constructor(events: AsyncIterable<WatchEvent>) {
    this.#iterator = events[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<WatchEvent, unknown>> {
    return this.#iterator.next();
  }

  /** Lets go of the stream; a failure while doing so is of no interest. */
  async close(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // It was broken already.
    }
  }
}

function selectors(labelSelector: string | undefined, fieldSelector: string | undefined): object {
  return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
}

/** Whether the watch may go on from the same revision: the server was away, busy, or stumbled. */
function isResumable(error: unknown): boolean {
  return isConnectionError(error) || isTooManyRequests(error) || isInternalError(error);
}

function isTooNew(error: unknown): boolean {
  return hasCause(error, "ResourceVersionTooLarge");
}
