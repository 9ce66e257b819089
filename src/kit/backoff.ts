import type { Random } from "./random.ts";

export interface BackoffOptions {
  /** First delay, ms. */
  readonly initial: number;
  /** The largest delay, ms, before jitter. */
  readonly max: number;
  /** Each delay is this many times the one before; default 2. */
  readonly factor?: number;
  /** Adds up to this share of the delay, by chance; default 0. Needs `random`. */
  readonly jitter?: number;
  readonly random?: Pick<Random, "float">;
}

/** Growing delays for one thing that is tried again and again. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How often {@link next} was called since the last {@link reset}. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The delay before the next attempt, ms. */
  next(): number {
    const { initial, max, factor = 2, jitter = 0, random } = this.#options;
    const base = Math.min(initial * factor ** this.#attempts, max);
    this.#attempts++;
    return base + (random?.float() ?? 0) * jitter * base;
  }

  /** To be called after a success. */
  reset(): void {
    this.#attempts = 0;
  }
}
