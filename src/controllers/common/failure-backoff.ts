import type { Clock } from "../../kit/index.ts";

interface Entry {
  delay: number;
  at: number;
}

/** Growing pauses for things that fail again and again, each under a key. A key that has been quiet for long starts anew. */
export class FailureBackoff {
  readonly #clock: Pick<Clock, "now">;
  readonly #initial: number;
  readonly #max: number;
  readonly #entries = new Map<string, Entry>();

  /** Milliseconds of the first pause and of the longest. */
  constructor(clock: Pick<Clock, "now">, initial: number, max: number) {
    this.#clock = clock;
    this.#initial = initial;
    this.#max = max;
  }

  /** Milliseconds that `key` must still wait; 0 when it may go on, which counts as one more failure. */
  next(key: string): number {
    const now = this.#clock.now();
    const known = this.#entries.get(key);
    const left = known === undefined ? 0 : known.at + known.delay - now;
    if (left > 0) return left;
    const fresh = known === undefined || now - known.at > 2 * this.#max;
    this.#entries.set(key, { delay: fresh ? this.#initial : Math.min(known.delay * 2, this.#max), at: now });
    return 0;
  }

  /** Drops entries that say nothing any more. */
  sweep(): void {
    const before = this.#clock.now() - 2 * this.#max;
    for (const [key, { at }] of this.#entries) if (at < before) this.#entries.delete(key);
  }
}
