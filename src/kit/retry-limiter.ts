import type { Clock } from "./clock.ts";
import { RateLimiter } from "./rate-limiter.ts";

/** Decides how long a failed item of a work queue waits. */
export interface RetryLimiter<T> {
  /** The delay before the item is tried again, ms; each call counts as one failure. */
  when(item: T): number;
  /** The item succeeded, or is given up. */
  forget(item: T): void;
  /** Failures since the last {@link forget}. */
  retries(item: T): number;
}

export interface RetryOptions {
  /** Delay after the first failure, ms; default 5. Doubles with each further one. */
  readonly base?: number;
  /** The largest delay, ms; default 1000 s. */
  readonly max?: number;
  /** Retries of all items together, per second; default 10. */
  readonly qps?: number;
  /** How many retries may come at once; default 100. */
  readonly burst?: number;
}

/** client-go's default for controllers: per item an exponential delay, over all items a token bucket; the longer wins. */
export function controllerRetryLimiter<T>(
  clock: Pick<Clock, "monotonic" | "sleep">,
  options: RetryOptions = {},
): RetryLimiter<T> {
  const { base = 5, max = 1_000_000, qps = 10, burst = 100 } = options;
  const failures = new Map<T, number>();
  const bucket = new RateLimiter({ clock, qps, burst });
  return {
    when: (item) => {
      const before = failures.get(item) ?? 0;
      failures.set(item, before + 1);
      return Math.max(Math.min(base * 2 ** before, max), bucket.reserve());
    },
    forget: (item) => void failures.delete(item),
    retries: (item) => failures.get(item) ?? 0,
  };
}
