import { type Resource, resources } from "../../api/index.ts";
import { type AnyObject, discover, type Informer, ServedResources } from "../../client/index.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";

/** Events come and go by themselves, in great numbers, and own nothing. */
const IGNORED = new Set(["/events", "events.k8s.io/events"]);
/** How soon to ask again while an extension API server is down. */
const STALE_RETRY_MS = 30_000;
const KEY = "discovery";

type Watched = Informer<AnyObject>;

/** What to do with what the monitors see. */
export interface MonitorHandler {
  observed(resource: Resource<AnyObject>, object: AnyObject): void;
  removed(resource: Resource<AnyObject>, object: AnyObject): void;
  /** All resources that were there at the beginning have been seen. */
  complete(): void;
}

interface Monitor {
  stop(): void;
  /** Resolves once all objects were seen; absent where nobody should wait for that. */
  synced?(signal: AbortSignal): Promise<void>;
}

/**
 * Watches every resource that can be deleted, as discovery finds them: built-in ones through the shared informers, others
 * through informers of their own, which end with their definition. Looks again when definitions or API services change.
 */
export class Monitors {
  readonly #context: ControllerContext;
  readonly #handler: MonitorHandler;
  readonly #monitors = new Map<string, Monitor>();
  readonly #loop: Loop;
  #served = new ServedResources([]);
  #complete = false;

  constructor(context: ControllerContext, handler: MonitorHandler) {
    this.#context = context;
    this.#handler = handler;
    const { caches } = context;
    const triggers = [
      caches.informer(resources.customresourcedefinitions),
      caches.informer(resources.apiservices),
    ] as unknown as Watched[];
    this.#loop = new Loop({
      context: { name: `${context.name}-discovery`, env: context.env },
      workers: 1,
      informers: [],
      reconcile: (_key, signal) => this.#sync(signal),
    });
    const again = (): void => this.#loop.add(KEY);
    for (const trigger of triggers) trigger.handle({ added: again, updated: again, deleted: again });
  }

  /** The resource of a kind, in any version that is served; asks for another discovery when there is none. */
  resourceOf(apiVersion: string, kind: string): Resource<AnyObject> | undefined {
    const found = this.#served.byKind(apiVersion, kind);
    if (found === undefined) this.#loop.add(KEY);
    return found;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#loop.add(KEY);
    try {
      await this.#loop.run(signal);
    } finally {
      for (const monitor of this.#monitors.values()) monitor.stop();
    }
  }

  async #sync(signal: AbortSignal): Promise<number | undefined> {
    const found = await discover(this.#context.client, signal);
    this.#served = found;
    this.#adjust(found);
    if (!this.#complete) {
      await Promise.all([...this.#monitors.values()].map(async (monitor) => monitor.synced?.(signal)));
      this.#complete = true;
      this.#handler.complete();
    }
    return found.stale.length > 0 ? STALE_RETRY_MS : undefined;
  }

  #adjust(found: ServedResources): void {
    const wanted = new Map(found.preferred.filter(isWatchable).map((resource) => [keyOf(resource), resource]));
    for (const [key, resource] of wanted) if (!this.#monitors.has(key)) this.#monitors.set(key, this.#start(resource));
    for (const [key, monitor] of this.#monitors) {
      // What an absent extension serves is unknown, not gone.
      if (wanted.has(key) || found.isStale(key.slice(0, key.indexOf("/")))) continue;
      monitor.stop();
      this.#monitors.delete(key);
    }
  }

  #start(resource: Resource<AnyObject>): Monitor {
    const { informer, builtIn, release } = this.#context.caches.any(resource);
    const leave = this.#follow(informer);
    const end = (): void => {
      leave();
      release();
    };
    return builtIn ? { stop: end, synced: (signal) => informer.whenSynced(signal) } : { stop: end };
  }

  #follow(informer: Watched): () => void {
    const resource = informer.resource as Resource<AnyObject>;
    const observed = (object: AnyObject): void => this.#handler.observed(resource, object);
    return informer.handle({
      added: observed,
      updated: observed,
      deleted: (object) => this.#handler.removed(resource, object),
    });
  }
}

function isWatchable({ group, resource, verbs }: Resource): boolean {
  if (IGNORED.has(`${group}/${resource}`)) return false;
  return ["delete", "list", "watch"].every((verb) => verbs.includes(verb));
}

function keyOf(resource: Resource): string {
  return `${resource.group}/${resource.resource}`;
}
