import type { Clock } from "../../kit/index.ts";
import { tooManyRequests } from "../../machinery/index.ts";

export interface SeatsOptions {
  /** Requests that may be under way at once. */
  readonly seats: number;
  /** Requests that may wait for a seat. */
  readonly queue: number;
  /** How long they wait at most, ms. */
  readonly patience: number;
}

/** Upstream's --max-requests-inflight and --max-mutating-requests-inflight together; the queue is what it has in priority levels. */
export const DEFAULT_SEATS: SeatsOptions = { seats: 600, queue: 6000, patience: 15_000 };

interface Waiting {
  grant(): void;
}

/**
 * Bounds how much the server does at once. Whoever finds no seat waits in line, and is told to come back (429) when the
 * line is too long or moves too slowly. Watches and streams take no seat.
 */
export class Seats {
  readonly #options: SeatsOptions;
  readonly #clock: Clock;
  readonly #line = new Set<Waiting>();
  #taken = 0;

  constructor(options: SeatsOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Takes a seat; undefined when one was free, else a promise of it. Every seat must be given back with {@link leave}. */
  take(): Promise<void> | undefined {
    if (this.#taken < this.#options.seats) {
      this.#taken++;
      return undefined;
    }
    if (this.#line.size >= this.#options.queue) return Promise.reject(refusal());
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(this.#options.patience, () => {
        this.#line.delete(waiting);
        reject(refusal());
      });
      const waiting: Waiting = {
        grant: () => {
          timer.cancel();
          resolve();
        },
      };
      this.#line.add(waiting);
    });
  }

  /** Gives a seat back: to the first in line, if there is one. */
  leave(): void {
    for (const first of this.#line) {
      this.#line.delete(first);
      first.grant();
      return;
    }
    this.#taken--;
  }
}

function refusal(): Error {
  return tooManyRequests("Too many requests, please try again later.", 1);
}
