import { type corev1, type Resource, resources } from "../../api/index.ts";
import { type AnyObject, discover, type Informer, metadataOnly, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import { isConflict, isMethodNotSupported, isNotFound, tryParseTime } from "../../machinery/index.ts";
import { forEachBounded } from "../common/bounded.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import {
  estimateSeconds,
  type Findings,
  namespaceConditions,
  podGraceSeconds,
  type Remains,
  retryDelay,
} from "./plan.ts";

type Namespace = corev1.Namespace;

const FINALIZER = "kubernetes";
const CONCURRENT_NAMESPACES = 10;
const CONCURRENT_RESOURCES = 8;
const LONGEST_RETRY_MS = 60_000;

/** What one round came to, beside its findings. */
interface Round extends Findings {
  /** Seconds that the rest may take; 0 when nothing is known to be on its way out. */
  readonly seconds: number;
}

/**
 * Empties namespaces that are being deleted, pods first, everything else once they are gone, and takes its finalizer off an
 * empty one. What is in the way stands in the namespace's conditions.
 */
export class NamespaceController {
  readonly #context: ControllerContext;
  readonly #namespaces: Informer<Namespace>;
  readonly #client: ResourceClient<Namespace>;
  readonly #loop: Loop;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#namespaces = context.caches.informer(resources.namespaces);
    this.#client = context.client.resource(resources.namespaces);
    const pods = context.caches.pods();
    this.#loop = new Loop({
      context,
      workers: CONCURRENT_NAMESPACES,
      informers: [this.#namespaces],
      retry: { max: LONGEST_RETRY_MS },
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
    const add = (namespace: Namespace): void => {
      if (namespace.metadata.deletionTimestamp === undefined) return;
      this.#loop.addAfter(namespace.metadata.name, context.config.namespaceDeletionDelayMs);
    };
    this.#namespaces.handle({ added: add, updated: add });
    // The rest of a namespace waits for its pods: no need to guess when they are gone.
    pods.handle({
      deleted: ({ metadata: { namespace } }) => {
        if (this.#namespaces.lister.get(namespace)?.status.phase === "Terminating") this.#loop.add(namespace);
      },
    });
  }

  get component(): Component {
    return this.#loop;
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<number | undefined> {
    if (this.#namespaces.lister.get(name) === undefined) return undefined;
    try {
      const namespace = await this.#markTerminating(await this.#client.get({ name }, { signal }), signal);
      if (namespace.metadata.deletionTimestamp === undefined) return undefined;
      if ((namespace.spec.finalizers ?? []).length === 0) return undefined;
      const round = await this.#empty(namespace, signal);
      const updated = await this.#report(namespace, round, signal);
      const problems = [round.discoveryFailure ?? [], round.deletionFailures].flat();
      if (problems.length > 0) throw new Error(problems.join("; "));
      if (round.seconds > 0) return retryDelay(round.seconds);
      await this.#finalize(updated, signal);
      return undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #markTerminating(namespace: Namespace, signal: AbortSignal): Promise<Namespace> {
    if (namespace.metadata.deletionTimestamp === undefined || namespace.status.phase === "Terminating")
      return namespace;
    return this.#change(namespace, signal, "status", (latest) => ({
      ...latest,
      status: { ...latest.status, phase: "Terminating" },
    }));
  }

  #report(namespace: Namespace, findings: Findings, signal: AbortSignal): Promise<Namespace> {
    const now = this.#context.env.clock.now();
    const change = (latest: Namespace): Namespace => {
      const conditions = namespaceConditions(latest.status.conditions, findings, now);
      return conditions === latest.status.conditions
        ? latest
        : { ...latest, status: { ...latest.status, conditions: [...conditions] } };
    };
    return change(namespace) === namespace
      ? Promise.resolve(namespace)
      : this.#change(namespace, signal, "status", change);
  }

  #finalize(namespace: Namespace, signal: AbortSignal): Promise<Namespace> {
    return this.#change(namespace, signal, "finalize", (latest) => ({
      ...latest,
      spec: { ...latest.spec, finalizers: (latest.spec.finalizers ?? []).filter((f) => f !== FINALIZER) },
    }));
  }

  /** Updates, taking the latest state after a conflict as long as it is the same namespace. */
  async #change(
    namespace: Namespace,
    signal: AbortSignal,
    subresource: "status" | "finalize",
    change: (latest: Namespace) => Namespace,
  ): Promise<Namespace> {
    const { name, uid } = namespace.metadata;
    for (let latest = namespace; ; latest = await this.#client.get({ name }, { signal })) {
      if (latest.metadata.uid !== uid) throw new Error(`namespace ${name} was deleted and created again`);
      try {
        return await this.#client.update(change(latest), { subresource, signal });
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  /** Asks for the deletion of what is there: only pods while there are any. */
  async #empty(namespace: Namespace, signal: AbortSignal): Promise<Round> {
    const { name } = namespace.metadata;
    const found = await discover(this.#context.client, signal);
    const deletable = found.preferred.filter((r) => r.namespaced && r.verbs.includes("delete"));
    const discovery = found.stale.length === 0 ? {} : { discoveryFailure: staleMessage(found.stale) };
    const isPods = (r: Resource): boolean => r.group === "" && r.resource === "pods";
    const now = this.#context.env.clock.now();
    const deletedAt = tryParseTime(namespace.metadata.deletionTimestamp) ?? now;
    const round = { seconds: 0, deletionFailures: [] as string[], remains: [] as Remains[] };
    const clear = async (resource: Resource<AnyObject>): Promise<void> => {
      try {
        // Estimated before the deletion, while the pods are still there to be asked.
        const grace = isPods(resource) ? await this.#podGrace(name, deletedAt, signal) : 0;
        const remains = await this.#clear(resource, name, signal);
        const seconds = estimateSeconds(remains, grace);
        round.remains.push(remains);
        round.seconds = Math.max(round.seconds, seconds);
        if (remains.count > 0 && seconds === 0) {
          const { group, version, resource: plural } = resource;
          const gvr = `${group}/${version}, Resource=${plural}`;
          throw new Error(`unexpected items still remain in namespace: ${name} for gvr: ${gvr}`);
        }
      } catch (error) {
        if (signal.aborted) throw error;
        const prefix = isPods(resource) ? `failed to delete pods for namespace: ${name}, err: ` : "";
        round.deletionFailures.push(prefix + errorText(error));
      }
    };
    await forEachBounded(deletable.filter(isPods), 1, clear);
    if (round.remains.every(({ count }) => count === 0)) {
      await forEachBounded(
        deletable.filter((resource) => !isPods(resource)),
        CONCURRENT_RESOURCES,
        clear,
      );
    }
    return { ...round, ...discovery };
  }

  async #podGrace(namespace: string, deletedAt: number, signal: AbortSignal): Promise<number> {
    const { items } = await this.#context.client.resource(resources.pods).list({ namespace, signal });
    return podGraceSeconds(items, deletedAt, this.#context.env.clock.now());
  }

  /** Deletes all objects of a resource in the namespace; says what is left. An empty collection costs one request. */
  async #clear(resource: Resource<AnyObject>, namespace: string, signal: AbortSignal): Promise<Remains> {
    const client = metadataOnly(this.#context.client).resource(resource);
    const none = { resource: `${resource.resource}.${resource.group}`, count: 0, finalizers: {} };
    if (!resource.verbs.includes("list")) return none;
    const list = { namespace, signal };
    const { items: before } = await client.list(list);
    if (before.length === 0) return none;
    await this.#deleteAll(resource, namespace, before, signal);
    const { items: left } = await client.list(list);
    const finalizers: Record<string, number> = {};
    for (const finalizer of left.flatMap((object) => object.metadata.finalizers ?? [])) {
      finalizers[finalizer] = (finalizers[finalizer] ?? 0) + 1;
    }
    return { ...none, count: left.length, finalizers };
  }

  async #deleteAll(
    resource: Resource<AnyObject>,
    namespace: string,
    objects: readonly AnyObject[],
    signal: AbortSignal,
  ): Promise<void> {
    const client = this.#context.client.resource(resource);
    // In the background: with everything going, nobody needs to wait for dependents or be made an orphan.
    const options = { propagationPolicy: "Background", signal } as const;
    if (resource.verbs.includes("deletecollection")) {
      await client.deleteCollection({ namespace }, options);
      return;
    }
    for (const { metadata } of objects) {
      await client.delete({ namespace, name: metadata.name }, options).catch((error: unknown) => {
        if (!isNotFound(error) && !isMethodNotSupported(error)) throw error;
      });
    }
  }
}

function staleMessage(stale: readonly string[]): string {
  const each = stale.toSorted().map((gv) => `${gv}: stale GroupVersion discovery: ${gv}`);
  const what = `unable to retrieve the complete list of server APIs: ${each.join(", ")}`;
  return `Discovery failed for some groups, ${stale.length} failing: ${what}`;
}
