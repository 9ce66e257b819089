import type { Clock } from "./clock.ts";

export interface RateLimiterOptions {
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  /** Tokens that flow in per second. */
  readonly qps: number;
  /** How many tokens the bucket holds; it starts full. */
  readonly burst: number;
}

/** A token bucket. */
export class RateLimiter {
  readonly #clock: Pick<Clock, "monotonic" | "sleep">;
  readonly #qps: number;
  readonly #burst: number;
  /** May be below zero: tokens already promised. */
  #tokens: number;
  #filledAt: number;

  constructor(options: RateLimiterOptions) {
    this.#clock = options.clock;
    this.#qps = options.qps;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#filledAt = options.clock.monotonic();
  }

  /** Takes a token if there is one now. */
  tryAccept(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Takes a token, in advance if need be; tells how many ms to wait before using it. */
  reserve(): number {
    this.#fill();
    this.#tokens--;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#qps) * 1000;
  }

  /** Waits for a token, in the order of the calls; gives it back when the signal aborts first. */
  async wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const delay = this.reserve();
    if (delay === 0) return;
    try {
      await this.#clock.sleep(delay, signal);
    } catch (error) {
      this.#tokens++;
      throw error;
    }
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    const gained = ((now - this.#filledAt) / 1000) * this.#qps;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
  }
}
