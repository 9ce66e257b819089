/** How long to wait before something that failed is tried again, growing with each failure. */
export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
}

interface Entry {
  readonly delayMs: number;
  readonly updatedAt: number;
}

/**
 * Delays by key: the first failure costs nothing yet, but sets the delay for the second; each further one doubles it. What held out
 * for twice the largest delay before it failed again starts over.
 */
export class KeyedBackoff {
  readonly #options: BackoffOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** When, on the clock of `since`, the next attempt is due; undefined: it may be made now. */
  dueAt(key: string, since: number, now: number): number | undefined {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, since)) return undefined;
    const due = since + entry.delayMs;
    return due > now ? due : undefined;
  }

  /** The delay that holds for `key` now, ms. */
  delay(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Notes one more attempt at the time `now`. */
  next(key: string, since: number, now: number): void {
    const entry = this.#entries.get(key);
    const { initialMs, maxMs } = this.#options;
    const fresh = !entry || this.#expired(entry, since);
    this.#entries.set(key, { delayMs: fresh ? initialMs : Math.min(entry.delayMs * 2, maxMs), updatedAt: now });
  }

  /** Forgets keys that begin with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired(entry: Entry, since: number): boolean {
    return since - entry.updatedAt > 2 * this.#options.maxMs;
  }
}
