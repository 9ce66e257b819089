import type { WatchBatch, WatchQuery } from "../contract.ts";
import { CompactedError, SlowWatcherError } from "../errors.ts";
import { KeyRange } from "./key-order.ts";
import type { History, Published, WatchLimits } from "./watch-types.ts";

/** What a watcher needs of the hub it belongs to. */
export interface WatcherHome {
  readonly history: History;
  readonly limits: WatchLimits;
  /** The newest revision that was published. */
  readonly revision: number;
  register(watcher: Watcher): void;
  attach(watcher: Watcher): void;
  detach(watcher: Watcher): void;
  drop(watcher: Watcher): void;
}

const REPLAY_CHUNK = 128;

interface Waiter {
  resolve(result: IteratorResult<WatchBatch, undefined>): void;
  reject(error: unknown): void;
}

/**
 * One reader's place in the stream of commits. It is either live (the hub delivers to it) or behind (it reads history,
 * chunk by chunk as it is asked for, until it has caught up).
 */
export class Watcher implements AsyncIterableIterator<WatchBatch, undefined> {
  readonly range: KeyRange;
  readonly wantsProgress: boolean;
  readonly #hub: WatcherHome;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.end();
  readonly #waiters: Waiter[] = [];
  #queue: WatchBatch[] = [];
  #taken = 0;
  #bytes = 0;
  /** The first revision that was neither delivered nor queued. */
  #next: number;
  readonly #from: number;
  #live = false;
  #lagged = false;
  #ended = false;
  #error: unknown;
  #markedUpTo = 0;
  #markDue: boolean;

  constructor(hub: WatcherHome, query: WatchQuery) {
    this.#hub = hub;
    this.range = new KeyRange(query.start, query.end);
    this.wantsProgress = query.progress === true;
    this.#markDue = this.wantsProgress;
    this.#signal = query.signal;
    this.#from = this.#next = query.fromRevision ?? hub.revision + 1;
    if (this.#signal.aborted) {
      this.#ended = true;
      return;
    }
    hub.register(this);
    this.#signal.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#from < hub.history.compacted) this.fail(new CompactedError(this.#from, hub.history.compacted));
    else if (this.#from > hub.revision) this.#goLive();
  }

  /** Whether a progress mark would tell the reader something new. */
  get lagsProgress(): boolean {
    return this.wantsProgress && this.#live && this.#markedUpTo < this.#hub.revision;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<WatchBatch, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#pump();
    });
  }

  return(): Promise<IteratorResult<WatchBatch, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Takes a commit that was just published. */
  deliver(batch: Published): void {
    if (batch.revision < this.#from) return;
    const { limits } = this.#hub;
    if (this.#queue.length - this.#taken >= limits.batches || this.#bytes + batch.bytes > limits.bytes) {
      if (this.#queue.length > this.#taken) return this.#fallBehind();
    }
    this.#queue.push(batch);
    this.#bytes += batch.bytes;
    this.#next = batch.revision + 1;
    this.#pump();
  }

  /** Gives the reader a progress mark as soon as it has nothing else to read. */
  markProgress(): void {
    if (!this.lagsProgress) return;
    this.#markDue = true;
    this.#pump();
  }

  /** Ends the stream; readers get `done`. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#release();
    this.#pump();
  }

  /** Breaks off: readers get `error` once, then `done`. */
  fail(error: unknown): void {
    this.#error = error;
    this.#live = false;
    this.#release();
    this.#pump();
  }

  #release(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#hub.drop(this);
  }

  #goLive(): void {
    this.#live = true;
    this.#hub.attach(this);
  }

  /** Lets go of what was not read: history still has it. */
  #fallBehind(): void {
    this.#live = false;
    this.#lagged = true;
    this.#hub.detach(this);
    this.#next = (this.#queue[this.#taken] as WatchBatch).revision;
    this.#clearQueue();
  }

  #clearQueue(): void {
    this.#queue = [];
    this.#taken = 0;
    this.#bytes = 0;
  }

  #pump(): void {
    while (this.#waiters.length > 0) {
      let result: IteratorResult<WatchBatch, undefined> | undefined;
      try {
        result = this.#take();
      } catch (error) {
        this.#ended = true;
        this.#waiters.shift()?.reject(error);
        continue;
      }
      if (!result) return;
      this.#waiters.shift()?.resolve(result);
    }
  }

  /** The next thing to read; undefined when the reader must wait; throws what ends the stream, once. */
  #take(): IteratorResult<WatchBatch, undefined> | undefined {
    if (this.#ended) return { done: true, value: undefined };
    if (this.#error !== undefined) throw this.#error as Error;
    while (this.#taken === this.#queue.length && !this.#live) this.#replay();
    const batch = this.#queue[this.#taken];
    if (batch) {
      if (++this.#taken === this.#queue.length) this.#clearQueue();
      this.#markedUpTo = batch.revision;
      return { done: false, value: { revision: batch.revision, events: batch.events } };
    }
    if (!this.#markDue) return undefined;
    this.#markDue = false;
    this.#markedUpTo = this.#hub.revision;
    return { done: false, value: { revision: this.#markedUpTo, events: [] } };
  }

  #replay(): void {
    const { history, revision } = this.#hub;
    if (this.#next < history.compacted) {
      this.#release();
      throw this.#lagged || this.#next > this.#from
        ? new SlowWatcherError(this.#next, history.compacted)
        : new CompactedError(this.#from, history.compacted);
    }
    const { batches, next } = history.replay(this.range, this.#next, REPLAY_CHUNK);
    this.#queue = batches.slice();
    this.#taken = 0;
    this.#next = next;
    if (next > revision) this.#goLive();
  }
}
