import { CodedError } from "./errors.ts";

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(reason: unknown): void;
}

export interface AsyncQueueOptions {
  /** How many items may wait; default unlimited. */
  readonly capacity?: number;
  /** Called once, when the reader leaves or the queue is closed. */
  readonly onClose?: () => void;
}

/**
 * A bounded channel from a synchronous producer to one asynchronous reader. The producer is never blocked: `push` says
 * whether there was room, and a producer that must not lose items awaits {@link room} or fails the queue.
 */
export class AsyncQueue<T> implements AsyncIterable<T>, AsyncIterator<T, undefined> {
  readonly #capacity: number;
  readonly #onClose: (() => void) | undefined;
  #items: T[] = [];
  #head = 0;
  #waiters: Waiter<T>[] = [];
  #closed = false;
  #error: { readonly reason: unknown } | undefined;
  #roomWaiters: (() => void)[] = [];
  #takenWaiters: (() => void)[] = [];

  constructor(options: AsyncQueueOptions = {}) {
    this.#capacity = options.capacity ?? Infinity;
    this.#onClose = options.onClose;
  }

  /** How many items wait for the reader. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Hands over an item; false, and the item dropped, when the queue is full or closed. */
  push(item: T): boolean {
    if (this.#closed) return false;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve({ value: item, done: false });
    else if (this.length >= this.#capacity) return false;
    else this.#items.push(item);
    return true;
  }

  /** Resolves once an item would fit, or the queue is closed. */
  room(): Promise<void> {
    if (this.#closed || this.length < this.#capacity) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Resolves once the reader has taken another item, or the queue is closed. */
  taken(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#takenWaiters.push(resolve));
  }

  /** Ends the stream after the items that wait. */
  close(): void {
    this.#end();
  }

  /** Ends the stream with an error, after the items that wait. */
  fail(reason: unknown): void {
    if (this.#closed) return;
    this.#error = { reason };
    this.#end();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.length > 0) return Promise.resolve({ value: this.#shift(), done: false });
    if (this.#error) {
      const { reason } = this.#error;
      this.#error = undefined;
      return Promise.reject(reason instanceof Error ? reason : new CodedError("StreamFailed", String(reason)));
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** The reader leaves: what waits is dropped. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#items = [];
    this.#head = 0;
    this.#error = undefined;
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #shift(): T {
    const item = this.#items[this.#head++] as T;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    this.#roomWaiters.shift()?.();
    if (this.#takenWaiters.length > 0) for (const resolve of this.#takenWaiters.splice(0)) resolve();
    return item;
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (this.#error) {
        waiter.reject(this.#error.reason);
        this.#error = undefined;
      } else waiter.resolve({ value: undefined, done: true });
    }
    for (const resolve of [...this.#roomWaiters.splice(0), ...this.#takenWaiters.splice(0)]) resolve();
    this.#onClose?.();
  }
}
