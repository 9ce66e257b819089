import type { Resource } from "../api/index.ts";
import { apiVersionOf } from "../api/index.ts";
import type { Env } from "../kit/index.ts";
import { childController, onceAborted } from "../kit/index.ts";
import type { Client } from "./client.ts";
import type { CachedObject, Informer, InformerFactory, InformerOptions } from "./informer-types.ts";
import { SharedInformer } from "./shared-informer.ts";

/**
 * Shares informers among all who ask with the same resource and selectors. Informers run while the factory runs; its
 * `ready` resolves once all that were asked for so far have synced.
 */
export function createInformerFactory(client: Client, env: Env): InformerFactory {
  return new SharedInformerFactory(client, env);
}

class SharedInformerFactory implements InformerFactory {
  readonly name = "informers";
  readonly #client: Client;
  readonly #env: Env;
  readonly #informers = new Map<string, SharedInformer<CachedObject>>();
  readonly #stops = new WeakMap<object, () => void>();
  #running: { readonly signal: AbortSignal; readonly runs: Set<Promise<void>> } | undefined;

  constructor(client: Client, env: Env) {
    this.#client = client;
    this.#env = env;
  }

  informer<T extends CachedObject>(resource: Resource<T>, options: InformerOptions = {}): Informer<T> {
    const { namespace = "", fieldSelector = "", labelSelector = "" } = options;
    const key = [apiVersionOf(resource), resource.resource, namespace, fieldSelector, labelSelector].join("\n");
    const known = this.#informers.get(key);
    // The key holds the resource's identity, and with it the type of its objects.
    if (known) return known as unknown as Informer<T>;
    const informer = new SharedInformer<T>({
      ...options,
      transport: this.#client.transport,
      env: this.#env,
      resource,
    });
    this.#informers.set(key, informer as unknown as SharedInformer<CachedObject>);
    this.#start(informer);
    return informer;
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.whenSynced(signal)));
  }

  drop<T>(informer: Informer<T>): void {
    for (const [key, known] of this.#informers) {
      if ((known as object) === informer) this.#informers.delete(key);
    }
    this.#stops.get(informer)?.();
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.whenSynced(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const running = { signal, runs: new Set<Promise<void>>() };
    this.#running = running;
    for (const informer of this.#informers.values()) this.#start(informer);
    await onceAborted(signal);
    this.#running = undefined;
    await Promise.all(running.runs);
  }

  #start(informer: { run(signal: AbortSignal): Promise<void> }): void {
    const running = this.#running;
    if (!running || running.signal.aborted) return;
    const own = childController(running.signal);
    this.#stops.set(informer, () => own.abort());
    const run = informer.run(own.signal).finally(() => {
      own.unlink();
      running.runs.delete(run);
    });
    running.runs.add(run);
  }
}
