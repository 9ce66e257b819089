/** A promise with its ends in hand. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T | PromiseLike<T>) => void;
  readonly reject: (reason: unknown) => void;
}

/** A promise that somebody else settles. */
export function deferred<T = void>(): Deferred<T> {
  return Promise.withResolvers<T>();
}

/** Resolves once `signal` aborts; at once when it already has. */
export function onceAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/**
 * Settles like `promise`, or rejects with the signal's reason when that aborts first. Whatever `promise` does later is
 * then ignored. Leaves no listener behind.
 */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * A controller that aborts with `parent`, and alone when told. Call `unlink` when done, so that a long-lived parent does
 * not collect listeners.
 */
export function childController(parent?: AbortSignal): AbortController & { unlink(): void } {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) onAbort();
  else parent?.addEventListener("abort", onAbort, { once: true });
  return Object.assign(controller, { unlink: () => parent?.removeEventListener("abort", onAbort) });
}

/** A door that opens once and stays open. */
export class Latch {
  readonly #opened = deferred();
  #open = false;

  get isOpen(): boolean {
    return this.#open;
  }

  open(): void {
    this.#open = true;
    this.#opened.resolve();
  }

  /** Resolves once open; rejects with the signal's reason when that aborts first. */
  wait(signal?: AbortSignal): Promise<void> {
    return this.#open ? Promise.resolve() : abortable(this.#opened.promise, signal);
  }
}
