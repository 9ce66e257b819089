import { type CachedObject, cacheKey, type Controller, createController, type Informer } from "../../client/index.ts";
import { type Component, controllerRetryLimiter, nextTurn, type RetryOptions } from "../../kit/index.ts";
import { hasCause, isConflict } from "../../machinery/index.ts";
import type { ControllerContext } from "./context.ts";
import type { Synced } from "./synced.ts";

export type { Synced } from "./synced.ts";

/** What makes a {@link Loop}. */
export interface LoopOptions {
  readonly context: Pick<ControllerContext, "name" | "env">;
  /** How many keys are worked on at a time; default 5. A key is never worked on twice at a time. */
  readonly workers?: number;
  /** No key is worked on before these have synced. */
  readonly informers: readonly Synced[];
  /**
   * Brings the object of `key` one step nearer to what it should be; may say after how many milliseconds to look again.
   * Throwing means: again later, after a delay that grows; the loop itself goes on.
   */
  reconcile(key: string, signal: AbortSignal): Promise<number | void>;
  /** How failures are delayed, where not as usual. */
  readonly retry?: RetryOptions;
  /** Called after the last worker has stopped. */
  close?(): void;
}

/** So many conflicts in a row are answered at once: whoever was faster is seen after a turn of the event loop. */
const QUICK_RETRIES = 5;

/** A work queue and its workers, as all controllers have them. */
export class Loop implements Component {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #controller: Controller;
  readonly #conflicts = new Map<string, number>();

  constructor(options: LoopOptions) {
    const { env, name } = options.context;
    this.name = name;
    this.#options = options;
    this.#controller = createController({
      name,
      env,
      workers: options.workers ?? 5,
      limiter: controllerRetryLimiter<string>(env.clock, options.retry),
      informers: options.informers,
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
  }

  /** Asks for `key` to be reconciled soon; many calls before that count once. */
  add(key: string): void {
    this.#controller.queue.add(key);
  }

  /** Asks for `key` after `ms`. */
  addAfter(key: string, ms: number): void {
    this.#controller.queue.addAfter(key, ms);
  }

  /** How often `key` has failed since its last success. */
  failures(key: string): number {
    return this.#controller.queue.numRequeues(key);
  }

  /** Adds the key of every object of `informer` that appears, changes or goes. */
  follow<T extends CachedObject>(informer: Informer<T>): void {
    const add = (object: T): void => this.add(cacheKey(object));
    informer.handle({ added: add, updated: add, deleted: add });
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await this.#controller.ready?.(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#controller.run(signal);
    } finally {
      this.#options.close?.();
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<{ readonly requeueAfter?: number }> {
    try {
      const again = await this.#options.reconcile(key, signal);
      this.#conflicts.delete(key);
      return typeof again === "number" ? { requeueAfter: again } : {};
    } catch (error) {
      // Nothing can be created there any more, and the namespace's end removes the object itself.
      if (hasCause(error, "NamespaceTerminating")) return {};
      const conflicts = (this.#conflicts.get(key) ?? 0) + 1;
      if (!isConflict(error) || conflicts > QUICK_RETRIES) {
        this.#conflicts.delete(key);
        throw error;
      }
      this.#conflicts.set(key, conflicts);
      await nextTurn();
      return { requeueAfter: 0 };
    }
  }
}
