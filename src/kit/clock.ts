/** A timer that can be called off. Calling `cancel` twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time outside `kit/`. Injected everywhere, so that a virtual clock can stand in.
 * All durations are milliseconds.
 */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. */
  now(): number;
  /** A reading that never goes back, in milliseconds with a fraction; only differences mean anything. */
  monotonic(): number;
  /** Calls `fn` once after `ms`. The timer does not keep the process alive on its own. */
  setTimer(ms: number, fn: () => void): Timer;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. Leaves no listener behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Sleeps through {@link Clock.setTimer}; shared by every clock. */
export function sleepOn(clock: Pick<Clock, "setTimer">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

const MAX_DELAY = 2 ** 31 - 1;

/** The machine's clock. */
export class RealClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimer(ms: number, fn: () => void): Timer {
    const handle = setTimeout(fn, Math.min(Math.max(0, ms), MAX_DELAY));
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
}
