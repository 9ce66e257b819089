import { Heap, type Clock, type Timer } from "../../kit/index.ts";

interface Deadline {
  heapIndex: number;
  readonly key: string;
  /** The revision that set the deadline: a later write of the key sets its own or none. */
  readonly revision: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A key whose time is up. */
export interface Expired {
  readonly key: string;
  readonly revision: number;
}

/** Which keys vanish when. One timer, set to the next deadline. */
export class Expiry {
  readonly #clock: Clock;
  readonly #expire: (due: readonly Expired[]) => void;
  readonly #heap = new Heap<Deadline>((a, b) => a.at < b.at || (a.at === b.at && a.revision < b.revision));
  readonly #byKey = new Map<string, Deadline>();
  #timer: { readonly timer: Timer; readonly at: number } | undefined;

  /** `expire` gets keys that are due, in order of their deadlines; each is told once. */
  constructor(clock: Clock, expire: (due: readonly Expired[]) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Notes what a commit did to `key`: it vanishes at `at` (milliseconds since the epoch), or never when undefined. */
  note(key: string, revision: number, at: number | undefined): void {
    if (at === undefined && this.#byKey.size === 0) return;
    const old = this.#byKey.get(key);
    if (old) {
      this.#byKey.delete(key);
      this.#heap.remove(old);
    }
    if (at === undefined) return;
    const deadline: Deadline = { heapIndex: -1, key, revision, at };
    this.#byKey.set(key, deadline);
    this.#heap.push(deadline);
    this.#arm();
  }

  /** All deadlines, for a copy. */
  entries(): Iterable<Readonly<{ key: string; revision: number; at: number }>> {
    return this.#byKey.values();
  }

  /** Stops the timer; deadlines noted before are forgotten. */
  close(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    this.#byKey.clear();
    while (this.#heap.pop());
  }

  #arm(): void {
    const next = this.#heap.peek();
    if (!next || (this.#timer && this.#timer.at <= next.at)) return;
    this.#timer?.timer.cancel();
    const timer = this.#clock.setTimer(next.at - this.#clock.now(), () => this.#fire());
    this.#timer = { timer, at: next.at };
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const due: Expired[] = [];
    for (let next = this.#heap.peek(); next && next.at <= now; next = this.#heap.peek()) {
      this.#heap.pop();
      this.#byKey.delete(next.key);
      due.push(next);
    }
    if (due.length > 0) this.#expire(due);
    this.#arm();
  }
}
