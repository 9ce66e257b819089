import type { Clock, Logger, Timer } from "../../kit/index.ts";
import type { Entry, WatchBatch, WatchEvent, WatchQuery } from "../contract.ts";
import { CompactedError, SlowWatcherError, type StoreError } from "../errors.ts";
import type { WatchLimits } from "../shared/watch-types.ts";
import type { Connection, WatchStream } from "./connection.ts";
import { storeFault } from "./faults.ts";
import type { KeySpace } from "./keys.ts";
import type { Event, KeyValue, WatchResponse } from "./schema.ts";

/** What a watch needs of its store. */
export interface WatchHome {
  readonly clock: Clock;
  readonly log: Logger;
  readonly connection: Connection;
  readonly keys: KeySpace;
  readonly limits: WatchLimits;
  /** The newest revision that any answer spoke of. */
  readonly seenRevision: number;
  /** Takes note of a revision that an answer spoke of. */
  saw(revision: number): void;
  /** Asks lagging watches' servers for progress before long. */
  scheduleProgress(): void;
  drop(watch: EtcdWatch): void;
}

type Result = IteratorResult<WatchBatch, undefined>;

interface Waiter {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

const RETRY = { first: 50, most: 2000 };

/**
 * One reader's place in etcd's stream of commits. When the stream breaks it is opened anew, on another member if need be,
 * from the first revision not read yet; when the reader lags, it is broken off on purpose and opened anew once the reader
 * has caught up with what it holds. So nothing is lost or told twice, and nothing piles up.
 */
export class EtcdWatch implements AsyncIterableIterator<WatchBatch, undefined> {
  readonly wantsProgress: boolean;
  readonly #home: WatchHome;
  readonly #query: WatchQuery;
  readonly #bounds: { readonly key: Buffer; readonly rangeEnd: Buffer } | undefined;
  readonly #onAbort = (): void => this.end();
  readonly #waiters: Waiter[] = [];
  #queue: { readonly batch: WatchBatch; readonly bytes: number }[] = [];
  #bytes = 0;
  /** Events of the newest revision while more fragments of it may come. */
  #open: { revision: number; events: WatchEvent[]; bytes: number } | undefined;
  /** The first revision not queued yet. */
  #next: number;
  #marked = 0;
  #mark: number | undefined;
  #stream: WatchStream | undefined;
  #connecting = false;
  #retry: Timer | undefined;
  #failures = 0;
  #lagged = false;
  #error: StoreError | undefined;
  #ended = false;

  constructor(home: WatchHome, query: WatchQuery) {
    this.#home = home;
    this.#query = query;
    this.#bounds = home.keys.range(query.start, query.end);
    this.wantsProgress = query.progress === true;
    this.#next = query.fromRevision ?? home.seenRevision + 1;
    if (query.signal.aborted) {
      this.end();
      return;
    }
    query.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#next < 1) this.fail(new CompactedError(this.#next, 1));
    else this.#connect();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#pump();
    });
  }

  return(): Promise<Result> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the stream; readers get `done`. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#release();
    this.#pump();
  }

  /** Breaks off: readers get `error` once, after what they can still read. */
  fail(error: StoreError): void {
    this.#error ??= error;
    this.#release();
    this.#pump();
  }

  /** Whether a progress mark would tell the reader something new. */
  get lagsProgress(): boolean {
    return this.wantsProgress && Math.max(this.#marked, this.#mark ?? 0) < this.#home.seenRevision;
  }

  /** Asks the server how far the stream has come. */
  askProgress(): void {
    this.#stream?.write({ progressRequest: {} });
  }

  #release(): void {
    this.#query.signal.removeEventListener("abort", this.#onAbort);
    this.#retry?.cancel();
    this.#disconnect();
    this.#home.drop(this);
  }

  #disconnect(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#open = undefined;
    stream?.cancel();
  }

  /** Opens the stream from {@link #next} on. */
  #connect(): void {
    if (this.#connecting || this.#stream || this.#ended || this.#error || !this.#bounds) return;
    this.#connecting = true;
    this.#home.connection
      .watch()
      .then(({ stream, url }) => this.#begin(stream, url))
      .catch((error: unknown) => {
        this.#connecting = false;
        this.#broken(error, undefined);
      });
  }

  #begin(stream: WatchStream, url: string): void {
    this.#connecting = false;
    // The stream reports its end as an error; what comes after we let go of it concerns nobody.
    stream.on("error", (error) => {
      if (this.#stream === stream) this.#broken(error, url);
    });
    if (this.#ended || this.#error) {
      stream.cancel();
      return;
    }
    this.#stream = stream;
    stream.on("data", (response: WatchResponse) => {
      if (this.#stream === stream) this.#take(response, url);
    });
    stream.on("end", () => {
      if (this.#stream === stream) this.#broken(new Error("the server ended the watch"), url);
    });
    const create = {
      ...this.#bounds,
      startRevision: this.#next,
      prevKv: true,
      fragment: true,
      progressNotify: this.wantsProgress,
    };
    stream.write({ createRequest: create });
  }

  /** The stream is gone for a reason that may pass: tries again, later each time. */
  #broken(error: unknown, url: string | undefined): void {
    this.#disconnect();
    if (this.#ended || this.#error) return;
    const fault = storeFault("watch", this.#home.connection.name, error);
    if (fault.code !== "Unavailable") {
      this.fail(fault);
      return;
    }
    this.#home.connection.failOver(url);
    const wait = Math.min(RETRY.first * 2 ** this.#failures++, RETRY.most);
    this.#home.log.debug("store: watch interrupted", { next: this.#next, wait, error });
    this.#retry = this.#home.clock.setTimer(wait, () => this.#connect());
  }

  #take(response: WatchResponse, url: string): void {
    const revision = response.header?.revision ?? 0;
    if (response.canceled) {
      this.#canceled(response, url);
      return;
    }
    this.#failures = 0;
    this.#home.saw(revision);
    for (const event of response.events) this.#addEvent(event);
    if (!response.fragment) this.#closeBatch();
    if (response.events.length === 0 && !response.fragment) this.#sawProgress(revision, response.created);
    this.#pump();
    // What was asked before the server had caught up got no answer.
    if (this.lagsProgress) this.#home.scheduleProgress();
  }

  #canceled({ compactRevision, cancelReason }: WatchResponse, url: string): void {
    if (compactRevision === 0) {
      this.#broken(new Error(cancelReason), url);
      return;
    }
    const started = this.#lagged || this.#next !== this.#query.fromRevision;
    const Fault = started ? SlowWatcherError : CompactedError;
    this.fail(new Fault(this.#next, compactRevision));
  }

  #addEvent(event: Event): void {
    const { kv, prevKv } = event;
    if (!kv || kv.modRevision < this.#next) return;
    if (this.#open && this.#open.revision !== kv.modRevision) this.#closeBatch();
    this.#open ??= { revision: kv.modRevision, events: [], bytes: 0 };
    this.#open.bytes += kv.value.length + (prevKv?.value.length ?? 0);
    const { keys } = this.#home;
    const before = prevKv && { previous: entryOf(prevKv, keys) };
    if (event.type === 0) this.#open.events.push({ type: "put", entry: entryOf(kv, keys), ...before });
    else this.#open.events.push({ type: "delete", key: keys.decode(kv.key), revision: kv.modRevision, ...before });
  }

  #closeBatch(): void {
    const whole = this.#open;
    this.#open = undefined;
    if (!whole) return;
    const { limits } = this.#home;
    if (this.#queue.length > 0 && (this.#queue.length >= limits.batches || this.#bytes + whole.bytes > limits.bytes)) {
      // Later revisions of the same response are left out as well, because the stream is no longer ours.
      this.#lagged = true;
      this.#disconnect();
    }
    if (!this.#stream) return;
    this.#queue.push({ batch: { revision: whole.revision, events: whole.events }, bytes: whole.bytes });
    this.#bytes += whole.bytes;
    this.#next = whole.revision + 1;
  }

  /** etcd answers a request for progress only once it has come to where the watch begins; until then we know by ourselves. */
  #sawProgress(revision: number, created: boolean): void {
    if (!this.#stream || !this.wantsProgress) return;
    if (created && revision >= this.#next) this.askProgress();
    else if (revision > this.#marked) this.#mark = revision;
  }

  #pump(): void {
    while (this.#waiters.length > 0) {
      if (this.#queue.length === 0 && this.#error && !this.#ended) {
        this.#ended = true;
        this.#waiters.shift()?.reject(this.#error);
        continue;
      }
      const result = this.#shift();
      if (!result) return;
      this.#waiters.shift()?.resolve(result);
    }
  }

  #shift(): Result | undefined {
    const head = this.#queue.shift();
    if (head) {
      this.#bytes -= head.bytes;
      this.#marked = Math.max(this.#marked, head.batch.revision);
      if (this.#queue.length === 0 && this.#lagged) this.#connect();
      return { done: false, value: head.batch };
    }
    if (this.#ended) return { done: true, value: undefined };
    const mark = this.#mark;
    this.#mark = undefined;
    if (mark === undefined || mark <= this.#marked) return undefined;
    this.#marked = mark;
    return { done: false, value: { revision: mark, events: [] } };
  }
}

/** The values are copied out of the response, which would otherwise be kept as a whole. */
function entryOf(kv: KeyValue, keys: KeySpace): Entry {
  const { createRevision, modRevision } = kv;
  return { key: keys.decode(kv.key), value: Buffer.from(kv.value), createRevision, modRevision };
}
