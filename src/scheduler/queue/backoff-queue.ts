import { Heap } from "../../kit/index.ts";
import type { QueueEntry } from "./queued-pod.ts";

/** Back-offs end in steps of this, ms, so that pods of one step can be ordered by priority. */
export const WINDOW = 1000;

export interface BackoffOptions {
  /** Wall time, ms. */
  now(): number;
  readonly less: (a: QueueEntry, b: QueueEntry) => boolean;
  /** ms */
  readonly initial: number;
  /** ms; 0: no back-off. */
  readonly max: number;
}

/**
 * Pods that wait out their back-off: those turned down, which may be taken early when there is nothing better to do, and those that
 * met a fault, which may not, because the wait protects the server.
 */
export class BackoffQueue {
  readonly #options: BackoffOptions;
  readonly #refused: Heap<QueueEntry>;
  readonly #failed: Heap<QueueEntry>;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#refused = new Heap((a, b) => {
      const [ends, others] = [this.until(a), this.until(b)];
      return ends === others ? options.less(a, b) : ends < others;
    });
    this.#failed = new Heap((a, b) => this.until(a) < this.until(b));
  }

  get size(): number {
    return this.#refused.size + this.#failed.size;
  }

  /** How many may be taken early. */
  get early(): number {
    return this.#refused.size;
  }

  /** When the next back-off will be over, ms since the epoch. */
  get nextDue(): number | undefined {
    const ends = [this.#refused.peek(), this.#failed.peek()].flatMap((e) => (e ? [this.until(e) + WINDOW] : []));
    return ends.length > 0 ? Math.min(...ends) : undefined;
  }

  /** Whether a pod has to wait still. */
  isBackingOff(entry: QueueEntry): boolean {
    return this.until(entry) >= align(this.#options.now());
  }

  add(entry: QueueEntry): void {
    const refused = entry.unschedulablePlugins.size > 0 || entry.pendingPlugins.size > 0;
    (refused ? this.#refused : this.#failed).push(entry);
  }

  /** Does nothing when it is not here. */
  remove(entry: QueueEntry): void {
    this.#refused.remove(entry);
    this.#failed.remove(entry);
  }

  popEarly(): QueueEntry | undefined {
    return this.#refused.pop();
  }

  /** Takes out all that have waited long enough. */
  popDue(): QueueEntry[] {
    const due: QueueEntry[] = [];
    for (const heap of [this.#refused, this.#failed]) {
      for (let entry = heap.peek(); entry && !this.isBackingOff(entry); entry = heap.peek()) {
        heap.pop();
        due.push(entry);
      }
    }
    return due;
  }

  /** The end of a pod's back-off, ms since the epoch; 0 for one that never was turned down. */
  until(entry: QueueEntry): number {
    const { initial, max } = this.#options;
    const count = entry.consecutiveErrors > 0 ? entry.consecutiveErrors : entry.unschedulableCount;
    if (max === 0 || count === 0) return 0;
    if (entry.backoffUntil === 0)
      entry.backoffUntil = align(entry.timestamp + Math.min(max, initial * 2 ** (count - 1)));
    return entry.backoffUntil;
  }
}

function align(time: number): number {
  return time - (time % WINDOW);
}
