import type { CachedObject, Informer } from "../../client/index.ts";
import { type Component, errorText, onceAborted, WorkQueue } from "../../kit/index.ts";
import { hasCause, isConflict } from "../../machinery/index.ts";
import { cacheKey } from "./claims.ts";
import type { ControllerContext } from "./context.ts";

/** Something that must have caught up before work begins. */
interface Synced {
  whenSynced(signal?: AbortSignal): Promise<void>;
}

/** What makes a {@link Loop}. */
export interface LoopOptions {
  readonly context: Pick<ControllerContext, "name" | "env">;
  /** How many keys are worked on at a time; default 5. A key is never worked on twice at a time. */
  readonly workers?: number;
  /** No key is worked on before these have synced. */
  readonly informers: readonly Synced[];
  /**
   * Brings the object of `key` one step nearer to what it should be. Throwing means: again later, after a delay that
   * grows; the loop itself goes on.
   */
  reconcile(key: string, signal: AbortSignal): Promise<void>;
  /** Called after the last worker has stopped. */
  close?(): void;
}

/** A work queue and its workers: the part that all controllers share. */
export class Loop implements Component {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #queue: WorkQueue;

  constructor(options: LoopOptions) {
    this.name = options.context.name;
    this.#options = options;
    const { clock, metrics } = options.context.env;
    this.#queue = new WorkQueue({ clock, metrics, name: this.name });
  }

  /** Asks for `key` to be reconciled soon; many calls before that count once. */
  add(key: string): void {
    this.#queue.add(key);
  }

  /** Asks for `key` after `ms`. */
  addAfter(key: string, ms: number): void {
    this.#queue.addAfter(key, ms);
  }

  /** How often `key` has failed since its last success. */
  failures(key: string): number {
    return this.#queue.numRequeues(key);
  }

  /** Adds the key of every object of `informer` that appears, changes or goes. */
  follow<T extends CachedObject>(informer: Informer<T>): void {
    const add = (object: T): void => this.add(keyOfCached(object));
    informer.handle({ added: add, updated: add, deleted: add });
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all(this.#options.informers.map((informer) => informer.whenSynced(signal)));
      const workers = Array.from({ length: this.#options.workers ?? 5 }, () => this.#work(signal));
      await onceAborted(signal);
      this.#queue.shutDown();
      await Promise.all(workers);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#queue.shutDown();
      this.#options.close?.();
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.get(signal);
      if (key === undefined || signal.aborted) return;
      await this.#once(key, signal);
      this.#queue.done(key);
    }
  }

  async #once(key: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.reconcile(key, signal);
      this.#queue.forget(key);
    } catch (error) {
      if (signal.aborted) return;
      if (hasCause(error, "NamespaceTerminating")) {
        // Nothing can be created there any more, and the namespace's end removes the object itself.
        this.#queue.forget(key);
        return;
      }
      this.#queue.addRateLimited(key);
      this.#report(key, error);
    }
  }

  #report(key: string, error: unknown): void {
    const fields = { key, failures: this.#queue.numRequeues(key), error: errorText(error) };
    const log = this.#options.context.env.log;
    if (isConflict(error)) log.debug("Object changed meanwhile, will look again", fields);
    else log.warn("Reconciling failed, will try again", fields);
  }
}

function keyOfCached(object: CachedObject): string {
  return cacheKey(object as Parameters<typeof cacheKey>[0]);
}
