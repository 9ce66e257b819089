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

/** What `setTimeout` can hold; longer delays are walked in several steps. */
const MAX_DELAY = 2 ** 31 - 1;

/** The machine's clock. A `sleep` keeps the process alive, because somebody awaits it; a `setTimer` does not. */
export class RealClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimer(ms: number, fn: () => void): Timer {
    return startTimer(ms, fn, false);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn({ setTimer: (delay, fn) => startTimer(delay, fn, true) }, ms, signal);
  }
}

function startTimer(ms: number, fn: () => void, keepAlive: boolean): Timer {
  let handle: NodeJS.Timeout;
  const arm = (left: number): void => {
    const step = Math.min(Math.max(0, left), MAX_DELAY);
    handle = setTimeout(() => (left > step ? arm(left - step) : fn()), step);
    if (!keepAlive) handle.unref();
  };
  arm(ms);
  return { cancel: () => clearTimeout(handle) };
}
