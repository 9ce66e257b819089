import type { Bookmark, CacheEvent, Emission } from "./emission.ts";
import type { Predicate } from "./predicate.ts";

/** How many events may wait for a reader before it is given up as too slow. */
const CAPACITY = 10_000;

/**
 * One watch on a resource cache: a bounded queue that the cache fills synchronously and one reader empties, many events at
 * a time. A reader that falls behind is cut off without holding up anybody.
 */
export class CacheWatcher {
  readonly predicate: Predicate;
  readonly bookmarks: boolean;
  /** The newest revision this watcher knows of. */
  revision: number;
  #waiting: (Emission | Bookmark)[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: unknown;
  #onEnd: (() => void)[] = [];

  constructor(predicate: Predicate, revision: number, bookmarks: boolean) {
    this.predicate = predicate;
    this.revision = revision;
    this.bookmarks = bookmarks;
  }

  /** Calls `fn` once the watch has ended; at once when it already has. */
  onEnd(fn: () => void): void {
    if (this.#ended) fn();
    else this.#onEnd.push(fn);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Offers a commit; what the predicate does not select is dropped here. */
  offer(event: CacheEvent): void {
    if (event.revision <= this.revision) return;
    this.revision = event.revision;
    const seen = event.seenBy(this.predicate.matches);
    if (seen) this.push(seen);
  }

  push(event: Emission | Bookmark): void {
    if (this.#ended) return;
    if (this.#waiting.length >= CAPACITY) {
      this.end();
      return;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** Puts the initial state before everything else; not bounded by the capacity. */
  prime(events: (Emission | Bookmark)[]): void {
    this.#waiting = events;
  }

  /** Everything that waits, at least one event; undefined at the end. Rejects with what {@link end} was given. */
  async next(): Promise<readonly (Emission | Bookmark)[] | undefined> {
    if (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
    if (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      return batch;
    }
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      throw error as Error;
    }
    return undefined;
  }

  /** Ends the watch after what waits; with an error when one is given. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const fn of this.#onEnd.splice(0)) fn();
    this.#wake?.();
  }
}
