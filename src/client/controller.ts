import type { Component, Env, Logger, RetryLimiter } from "../kit/index.ts";
import { Latch, WorkQueue, errorText, nextTurn } from "../kit/index.ts";
import { isConflict } from "../machinery/index.ts";

/** What a reconciliation may ask for: to be called again for the same key after this long, ms, whatever happens. */
export type ReconcileResult = { readonly requeueAfter?: number } | void;

export interface ControllerOptions {
  /** Also the name of the queue's metrics. */
  readonly name: string;
  readonly env: Env;
  /** How many keys are worked on at a time; default 1. */
  readonly workers?: number;
  /** Default: a queue of its own, with client-go's retry limits. */
  readonly queue?: WorkQueue;
  readonly limiter?: RetryLimiter<string>;
  /** Work begins once all of these have synced. */
  readonly informers?: readonly { whenSynced(signal?: AbortSignal): Promise<void> }[];
  /**
   * Brings the world nearer to what the object `key` wants. May be repeated at any time. A rejection or a throw is logged and
   * tried again, later each time; the signal aborts when the controller stops.
   */
  reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult>;
}

/** A control loop. Informer handlers, once they know which object is concerned, add its key to `queue`. */
export interface Controller extends Component {
  readonly queue: WorkQueue;
}

/** After this many keys in a row a worker lets input and output have its turn. */
const KEYS_PER_TURN = 64;

/** The loop that every controller shares: a queue of keys, workers, retries. `run` resolves once no worker runs any more. */
export function createController(options: ControllerOptions): Controller {
  const { name, env, limiter } = options;
  const queue =
    options.queue ?? new WorkQueue({ clock: env.clock, metrics: env.metrics, name, ...(limiter && { limiter }) });
  const log = env.log.with({ controller: name });
  const synced = new Latch();
  return {
    name,
    queue,
    ready: (signal) => synced.wait(signal),
    run: async (signal) => {
      try {
        await Promise.all((options.informers ?? []).map((informer) => informer.whenSynced(signal)));
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      synced.open();
      const stop = (): void => queue.shutDown();
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
      log.debug("Starting workers", { workers: options.workers ?? 1 });
      await Promise.all(Array.from({ length: options.workers ?? 1 }, () => work(options, queue, log, signal)));
    },
  };
}

async function work(options: ControllerOptions, queue: WorkQueue, log: Logger, signal: AbortSignal): Promise<void> {
  for (let count = 1; !signal.aborted; count++) {
    const key = await queue.get(signal);
    if (key === undefined) return;
    await reconcileOnce(options, queue, key, log, signal);
    if (count % KEYS_PER_TURN === 0) await nextTurn();
  }
}

async function reconcileOnce(
  options: ControllerOptions,
  queue: WorkQueue,
  key: string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  try {
    const result = await options.reconcile(key, signal);
    queue.forget(key);
    if (result?.requeueAfter !== undefined) queue.addAfter(key, result.requeueAfter);
  } catch (error) {
    if (signal.aborted) return;
    const fields = { key, error: errorText(error), retries: queue.numRequeues(key) };
    // Somebody else was faster; the retry sees what they wrote.
    if (isConflict(error)) log.debug("Reconciliation met a conflict", fields);
    else log.error("Reconciliation failed", fields);
    queue.addRateLimited(key);
  } finally {
    queue.done(key);
  }
}
