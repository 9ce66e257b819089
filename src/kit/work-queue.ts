import type { Clock, Timer } from "./clock.ts";
import { Heap } from "./heap.ts";
import type { Metrics } from "./metrics.ts";
import type { RetryLimiter } from "./retry-limiter.ts";
import { controllerRetryLimiter } from "./retry-limiter.ts";
import type { QueueMetrics } from "./work-queue-metrics.ts";
import { queueMetrics } from "./work-queue-metrics.ts";

export interface WorkQueueOptions<T> {
  readonly clock: Clock;
  /** The metrics' `name` label. Without it, or without `metrics`, nothing is measured. */
  readonly name?: string;
  readonly metrics?: Metrics;
  /** Default: {@link controllerRetryLimiter}. */
  readonly limiter?: RetryLimiter<T>;
}

interface Delayed<T> {
  heapIndex: number;
  readonly item: T;
  readonly order: number;
  due: number;
}

/**
 * client-go's rate-limited work queue. An item is compared by identity (use strings), waits at most once, and is handed to
 * one worker at a time: added while it is being worked on, it comes back after `done`. Every operation is O(1), delayed
 * ones O(log n).
 */
export class WorkQueue<T = string> {
  readonly #clock: Clock;
  readonly #limiter: RetryLimiter<T>;
  readonly #metrics: QueueMetrics<T> | undefined;
  #queue: T[] = [];
  #head = 0;
  readonly #dirty = new Set<T>();
  readonly #processing = new Set<T>();
  readonly #waiters = new Set<(item: T | undefined) => void>();
  readonly #delayed = new Heap<Delayed<T>>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #delayedByItem = new Map<T, Delayed<T>>();
  #order = 0;
  #timer: Timer | undefined;
  #timerDue = Infinity;
  #shuttingDown = false;
  #drained: (() => void)[] = [];

  constructor(options: WorkQueueOptions<T>) {
    this.#clock = options.clock;
    this.#limiter = options.limiter ?? controllerRetryLimiter(options.clock);
    if (options.name !== undefined && options.metrics) {
      this.#metrics = queueMetrics(options.metrics, options.name, options.clock);
    }
  }

  /** How many items wait for a worker now; delayed ones and those in work do not count. */
  get length(): number {
    return this.#queue.length - this.#head;
  }

  /** How many items wait for their time. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** How many items are in work. */
  get processing(): number {
    return this.#processing.size;
  }

  get shuttingDown(): boolean {
    return this.#shuttingDown;
  }

  add(item: T): void {
    if (this.#shuttingDown || this.#dirty.has(item)) return;
    this.#metrics?.added(item);
    this.#dirty.add(item);
    if (!this.#processing.has(item)) this.#enqueue(item);
  }

  /** Adds after `ms`; of several calls for an item the earliest time counts. */
  addAfter(item: T, ms: number): void {
    if (this.#shuttingDown) return;
    this.#metrics?.retried();
    if (ms <= 0) {
      this.add(item);
      return;
    }
    const due = this.#clock.monotonic() + ms;
    const known = this.#delayedByItem.get(item);
    if (known) {
      if (known.due <= due) return;
      this.#delayed.remove(known);
    }
    const entry: Delayed<T> = { heapIndex: -1, item, due, order: this.#order++ };
    this.#delayedByItem.set(item, entry);
    this.#delayed.push(entry);
    this.#arm();
  }

  /** Adds after as long as the limiter says; counts as one failure of the item. */
  addRateLimited(item: T): void {
    this.addAfter(item, this.#limiter.when(item));
  }

  /** The item's failures no longer count. */
  forget(item: T): void {
    this.#limiter.forget(item);
  }

  numRequeues(item: T): number {
    return this.#limiter.retries(item);
  }

  /**
   * Waits for the next item, which is in work until `done`. Resolves with undefined once the queue is shut down and empty,
   * or `signal` aborts.
   */
  get(signal?: AbortSignal): Promise<T | undefined> {
    if (this.length > 0) return Promise.resolve(this.#take());
    if (this.#shuttingDown || signal?.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const waiter = (item: T | undefined): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve(item);
      };
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        resolve(undefined);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Work on the item is over, well or not. */
  done(item: T): void {
    this.#metrics?.done(item);
    this.#processing.delete(item);
    if (this.#dirty.has(item)) this.#enqueue(item);
    else if (this.#processing.size === 0) this.#tellDrained();
  }

  /** Takes no more items; workers get what still waits, then undefined. Delayed items are dropped. */
  shutDown(): void {
    this.#shuttingDown = true;
    this.#timer?.cancel();
    while (this.#delayed.pop());
    this.#delayedByItem.clear();
    for (const waiter of this.#waiters) waiter(undefined);
    this.#waiters.clear();
    if (this.#processing.size === 0) this.#tellDrained();
  }

  /** {@link shutDown}, resolving once nothing waits and nothing is in work. */
  shutDownWithDrain(): Promise<void> {
    const drained = new Promise<void>((resolve) => this.#drained.push(resolve));
    this.shutDown();
    return drained;
  }

  #enqueue(item: T): void {
    const [waiter] = this.#waiters;
    this.#queue.push(item);
    if (!waiter) return;
    this.#waiters.delete(waiter);
    waiter(this.#take());
  }

  #take(): T {
    const item = this.#queue[this.#head++] as T;
    // Cutting off the used half now and then keeps taking O(1) without holding on to old items.
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    }
    this.#processing.add(item);
    this.#dirty.delete(item);
    this.#metrics?.taken(item);
    return item;
  }

  #arm(): void {
    const next = this.#delayed.peek();
    if (!next || next.due === this.#timerDue) return;
    this.#timer?.cancel();
    this.#timerDue = next.due;
    this.#timer = this.#clock.setTimer(next.due - this.#clock.monotonic(), () => this.#fire());
  }

  #fire(): void {
    this.#timerDue = Infinity;
    const now = this.#clock.monotonic();
    for (let next = this.#delayed.peek(); next && next.due <= now; next = this.#delayed.peek()) {
      this.#delayed.pop();
      this.#delayedByItem.delete(next.item);
      this.add(next.item);
    }
    this.#arm();
  }

  #tellDrained(): void {
    if (!this.#shuttingDown || this.length > 0) return;
    for (const resolve of this.#drained) resolve();
    this.#drained = [];
  }
}
