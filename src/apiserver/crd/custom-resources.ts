import { resources } from "../../api/index.ts";
import { type Client, createController, createInformerFactory, type Informer } from "../../client/index.ts";
import { type Component, type Env, Latch } from "../../kit/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";
import { type Feed, type ParseHints, REGISTRY, ResourceCache } from "../cache/index.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { readField } from "../catalog/fields.ts";
import type { Served } from "../catalog/kind.ts";
import { cleanUp } from "./cleanup.ts";
import { nextStatus } from "./conditions.ts";
import { CLEANUP, type Definition, holds, prefixOf } from "./definition/types.ts";
import { decideNames } from "./names.ts";

/** What custom resources are served with. */
export interface CustomResourcesOptions {
  readonly catalog: Catalog;
  readonly store: Store;
  readonly feed: Feed;
  readonly hints: ParseHints;
  readonly env: Env;
  /** As the server itself. */
  readonly client: Client;
}

/** What is served of one definition. */
interface Serving {
  readonly uid: string;
  readonly cache: ResourceCache;
  /** What it follows from: another text means that it has to be made anew. */
  cause: string;
  served: readonly Served[];
}

/**
 * Follows CustomResourceDefinitions and serves what they define; keeps their names, conditions and finalizer as
 * upstream's API server does. Ready once the definitions that were there at the start are served.
 */
export class CustomResources implements Component {
  readonly name = "custom-resources";
  readonly #options: CustomResourcesOptions;
  readonly #serving = new Map<string, Serving>();
  readonly #ready = new Latch();
  readonly #definitions = resources.customresourcedefinitions;

  constructor(options: CustomResourcesOptions) {
    this.#options = options;
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#ready.wait(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, env } = this.#options;
    const factory = createInformerFactory(client, env);
    const informer = factory.informer(this.#definitions);
    const controller = createController({
      name: this.name,
      env,
      informers: [informer],
      reconcile: (name, stop) => this.#reconcile(informer, name, stop, (other) => controller.queue.add(other)),
    });
    informer.handle({
      added: ({ metadata }) => controller.queue.add(metadata.name),
      updated: ({ metadata }) => controller.queue.add(metadata.name),
      deleted: ({ metadata, spec }) => {
        controller.queue.add(metadata.name);
        for (const other of informer.lister.list()) {
          if (other.spec.group === spec.group) controller.queue.add(other.metadata.name);
        }
      },
    });
    const running = factory.run(signal);
    const served = this.#serveFirst(informer, signal);
    await Promise.all([running, served, controller.run(signal)]);
  }

  /** Serves what was established before the server started, before it says that it is ready. */
  async #serveFirst(informer: Informer<Definition>, signal: AbortSignal): Promise<void> {
    try {
      await informer.whenSynced(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    for (const definition of informer.lister.list()) {
      if (holds(definition, "Established")) await this.#serve(definition, definition.status.acceptedNames);
    }
    this.#ready.open();
  }

  async #reconcile(
    informer: Informer<Definition>,
    name: string,
    signal: AbortSignal,
    again: (name: string) => void,
  ): Promise<void> {
    const definition = informer.lister.get(name);
    const known = this.#serving.get(name);
    if (known && known.uid !== definition?.metadata.uid) this.#forget(name, known);
    if (!definition) return;
    const decision = decideNames(definition, informer.lister.list());
    const status = nextStatus(definition, decision, this.#options.env.clock.now());
    const serves = decision.accepted || holds(definition, "Established");
    if (serves && this.#serving.has(name)) await this.#serve(definition, decision.names);
    const { client, catalog } = this.#options;
    try {
      if (status !== definition.status) {
        const write = async (): Promise<void> => {
          const next = { ...definition, status } as never;
          await client.resource(this.#definitions).update(next, { subresource: "status" });
          if (serves) await this.#serve(definition, decision.names);
        };
        // Discovery shows it once it is established; who has seen that it is and asks for it is made to wait.
        await import("./serving/serve.ts");
        await catalog.expect(write);
        for (const other of informer.lister.list()) {
          if (other.spec.group === definition.spec.group && !holds(other, "NamesAccepted")) again(other.metadata.name);
        }
        return;
      }
      if (serves) await this.#serve(definition, decision.names);
      const { deletionTimestamp, finalizers } = definition.metadata;
      if (deletionTimestamp !== undefined && finalizers?.includes(CLEANUP)) await this.#cleanUp(definition, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #cleanUp(definition: Definition, signal: AbortSignal): Promise<void> {
    const { client, env } = this.#options;
    const serving = this.#serving.get(definition.metadata.name);
    const objects = serving && { cache: serving.cache, resource: serving.served[0]?.resource };
    const cleanup = { client, clock: env.clock, definitions: this.#definitions, ...(objects && { objects }) };
    await cleanUp(definition, cleanup, signal);
  }

  async #serve(definition: Definition, names: Definition["status"]["acceptedNames"]): Promise<void> {
    const { catalog } = this.#options;
    const { name, uid, generation } = definition.metadata;
    const cause = JSON.stringify([uid, generation, names, holds(definition, "Terminating")]);
    const known = this.#serving.get(name);
    if (known?.cause === cause) return;
    const { servedOf } = await import("./serving/serve.ts");
    const serving: Serving = known ?? { uid, cache: this.#cacheOf(definition), cause, served: [] };
    const before = serving.served;
    serving.cause = cause;
    serving.served = servedOf(definition, names, serving.cache);
    this.#serving.set(name, serving);
    const same = (a: Served, b: Served): boolean =>
      a.resource.version === b.resource.version && a.resource.resource === b.resource.resource;
    const gone = before.filter((old) => !serving.served.some((one) => same(old, one)));
    if (gone.length > 0) catalog.remove(...gone);
    catalog.add(...serving.served);
    // Watchers that began under the old schema would go on seeing objects as it has them.
    if (before.length > 0) serving.cache.endWatches();
  }

  #cacheOf(definition: Definition): ResourceCache {
    const { store, feed, hints, env } = this.#options;
    return new ResourceCache({
      store,
      feed,
      hints,
      env,
      prefix: `${REGISTRY}${prefixOf(definition)}/`,
      read: readField,
    });
  }

  #forget(name: string, serving: Serving): void {
    this.#serving.delete(name);
    this.#options.catalog.remove(...serving.served);
    serving.cache.close();
  }

  /** Ends all watches and stops following. */
  close(): void {
    for (const [name, serving] of this.#serving) this.#forget(name, serving);
  }
}
