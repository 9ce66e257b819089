import type { Clock, Timer } from "./clock.ts";
import { sleepOn } from "./clock.ts";
import { Heap } from "./heap.ts";
import { nextTurn } from "./next-turn.ts";

/** 2026-01-01T00:00:00Z: where virtual time starts unless told otherwise. */
export const VIRTUAL_EPOCH = 1_767_225_600_000;

interface Entry {
  heapIndex: number;
  readonly due: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * A clock that stands still until told to move. Timers fire in order of their due time, then of their creation, so a
 * run is the same every time. After each firing all promises settle, and whatever they scheduled takes its turn.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #moving: Promise<unknown> = Promise.resolve();
  readonly #timers = new Heap<Entry>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #start: number;
  readonly #hops: number;

  /** `hops`: how many turns of the event loop {@link settle} gives to immediates and input/output. */
  constructor(now: number = VIRTUAL_EPOCH, options: { readonly hops?: number } = {}) {
    this.#now = now;
    this.#start = now;
    this.#hops = options.hops ?? 2;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const delay = ms > 0 ? ms : 0;
    const entry: Entry = { heapIndex: -1, due: this.#now + delay, order: this.#order++, fn };
    this.#timers.push(entry);
    return { cancel: () => this.#timers.remove(entry) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; undefined when none waits. */
  get nextDue(): number | undefined {
    return this.#timers.peek()?.due;
  }

  /** Lets promises, immediates and ready input/output run, without moving time. */
  async settle(): Promise<void> {
    for (let i = 0; i < this.#hops; i++) await nextTurn();
  }

  /**
   * Moves time forward by `ms`, firing every timer that falls due on the way, those set meanwhile included. Calls made
   * at the same time take effect one after the other. An exception of a timer is thrown here, with time standing where it was.
   */
  advance(ms: number): Promise<void> {
    return this.#exclusively(async () => {
      const until = this.#now + ms;
      await this.settle();
      while (await this.#fireNext(until));
      this.#now = until;
    });
  }

  /**
   * Moves time from timer to timer until `condition` holds, at most `limit` ms (default one virtual hour).
   * Resolves with whether it held.
   */
  advanceUntil(condition: () => boolean, limit = 3_600_000): Promise<boolean> {
    return this.#exclusively(async () => {
      const until = this.#now + limit;
      await this.settle();
      while (!condition()) {
        if (await this.#fireNext(until)) continue;
        this.#now = until;
        return condition();
      }
      return true;
    });
  }

  async #fireNext(until: number): Promise<boolean> {
    const next = this.#timers.peek();
    if (!next || next.due > until) return false;
    this.#timers.pop();
    this.#now = Math.max(this.#now, next.due);
    next.fn();
    await this.settle();
    return true;
  }

  #exclusively<T>(move: () => Promise<T>): Promise<T> {
    const moved = this.#moving.then(move);
    this.#moving = moved.catch(() => undefined);
    return moved;
  }
}
