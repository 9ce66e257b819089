import { errorText, type Env } from "../../kit/index.ts";
import { prefixEnd, type Store, type WatchBatch, type WatchEvent } from "../../store/index.ts";
import { timeout, tooLargeResourceVersion } from "../../machinery/index.ts";

/** Where everything the API server stores begins. */
export const REGISTRY = "/registry/";

/** Who wants the commits below one key prefix. Called synchronously, in commit order. */
export interface FeedSink {
  /** Full key prefix, ending in a slash. */
  readonly prefix: string;
  apply(event: WatchEvent, revision: number): void;
  /** The feed lost its place: whatever is held must be read again. */
  lost(): void;
}

interface Waiter {
  readonly revision: number;
  resolve(): void;
  reject(error: unknown): void;
}

const RETRY_MS = 200;
/** How long a read waits for the feed to reach the revision it needs, ms (upstream: 3 s). */
const WAIT_MS = 3000;

/**
 * The one watch on the store that feeds every cache. Because it covers all keys it sees every commit, so "has the
 * cache caught up with revision R" needs no progress request and holds for all caches at once.
 */
export class Feed {
  readonly #store: Store;
  readonly #env: Env;
  readonly #sinks = new Map<string, FeedSink>();
  readonly #abort = new AbortController();
  #waiters: Waiter[] = [];
  #revision = 0;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> = Promise.resolve();

  constructor(store: Store, env: Env) {
    this.#store = store;
    this.#env = env;
  }

  /** Every commit up to this one has been applied to every sink. */
  get revision(): number {
    return this.#revision;
  }

  /** Begins to follow the store. Resolves once {@link revision} means something. Safe to call again. */
  start(): Promise<void> {
    this.#started ??= this.#store.revision().then((revision) => {
      this.#revision = revision;
      this.#stopped = this.#follow();
    });
    return this.#started;
  }

  /** Adds a sink; returns how to remove it. It sees commits after the current {@link revision}. */
  attach(sink: FeedSink): () => void {
    this.#sinks.set(sink.prefix, sink);
    return () => {
      if (this.#sinks.get(sink.prefix) === sink) this.#sinks.delete(sink.prefix);
    };
  }

  /** Resolves once {@link revision} is at least the store's at the time of the call: the next read is linearizable. */
  async fresh(): Promise<void> {
    const revision = await this.#store.revision();
    if (this.#revision < revision) await this.reached(revision);
  }

  /** Resolves once `revision` was reached; rejects with 504 "Too large resource version" after three seconds. */
  reached(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = this.#env.clock.setTimer(WAIT_MS, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(tooLargeResourceVersion(revision, this.#revision, 1));
      });
      const waiter: Waiter = {
        revision,
        resolve: () => {
          timer.cancel();
          resolve();
        },
        reject: (error) => {
          timer.cancel();
          reject(error as Error);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(timeout("the server is shutting down"));
    await this.#started?.catch(() => undefined);
    await this.#stopped;
  }

  async #follow(): Promise<void> {
    const signal = this.#abort.signal;
    while (!signal.aborted) {
      try {
        const query = { start: REGISTRY, end: prefixEnd(REGISTRY), fromRevision: this.#revision + 1, progress: true };
        for await (const batch of this.#store.watch({ ...query, signal })) this.#apply(batch);
        if (signal.aborted) return;
      } catch (error) {
        if (signal.aborted) return;
        this.#env.log.warn("The watch on the store broke off", { error: errorText(error) });
        await this.#recover(signal);
      }
    }
  }

  /** After a fault the place may be compacted: everybody starts over from what the store says now. */
  async #recover(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#revision = await this.#store.revision();
        for (const sink of this.#sinks.values()) sink.lost();
        this.#wake();
        return;
      } catch (error) {
        this.#env.log.warn("The store does not answer", { error: errorText(error) });
        await this.#env.clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  #apply(batch: WatchBatch): void {
    for (const event of batch.events) {
      const key = event.type === "put" ? event.entry.key : event.key;
      this.#sinkOf(key)?.apply(event, batch.revision);
    }
    if (batch.revision > this.#revision) this.#revision = batch.revision;
    if (this.#waiters.length > 0) this.#wake();
  }

  #wake(): void {
    const due = this.#waiters.filter((waiter) => waiter.revision <= this.#revision);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of due) waiter.resolve();
  }

  /** The sink with the shortest prefix that covers `key`: prefixes are one or two segments and never nest. */
  #sinkOf(key: string): FeedSink | undefined {
    const first = key.indexOf("/", REGISTRY.length) + 1;
    if (first === 0) return undefined;
    const sink = this.#sinks.get(key.slice(0, first));
    if (sink) return sink;
    const second = key.indexOf("/", first) + 1;
    return second === 0 ? undefined : this.#sinks.get(key.slice(0, second));
  }
}
