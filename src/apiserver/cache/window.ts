import type { CacheEvent } from "./emission.ts";

/** How long events are kept for watches that resume, ms; upstream keeps 75 s as well. */
const KEEP_MS = 75_000;
const KEEP_AT_LEAST = 100;
const KEEP_AT_MOST = 100_000;
/** Only the newest events keep their encodings: watchers that keep up share them. */
const ENCODED = 256;

/** The recent events of one resource, oldest first, so that a watch can resume where it broke off. */
export class EventWindow {
  #events: CacheEvent[] = [];
  #head = 0;
  /** Events up to this revision may be missing. */
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
  }

  /** A watch can resume from any revision that is at least this. */
  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#events[this.#events.length - 1 - ENCODED]?.forgetEncodings();
    while (this.size > KEEP_AT_LEAST && (this.size > KEEP_AT_MOST || this.#oldestAt() < event.at - KEEP_MS))
      this.#drop();
  }

  /** The events after `revision`, which must not be below {@link floor}. */
  after(revision: number): readonly CacheEvent[] {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  #oldestAt(): number {
    return this.#events[this.#head]?.at ?? Infinity;
  }

  #drop(): void {
    this.#floor = this.#events[this.#head]?.revision ?? this.#floor;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}
