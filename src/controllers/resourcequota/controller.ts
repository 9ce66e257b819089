import { type corev1, type Resource, resources } from "../../api/index.ts";
import {
  type AnyObject,
  cacheKey,
  discover,
  type Informer,
  type ResourceClient,
  ServedResources,
} from "../../client/index.ts";
import type { Component } from "../../kit/index.ts";
import { deepEqual, isNotFound } from "../../machinery/index.ts";
import type { ControllerContext } from "../common/context.ts";
import type { AnyInformer } from "../common/indexes.ts";
import { Loop } from "../common/loop.ts";
import type { Amounts } from "./amounts.ts";
import { countedResources, type Evaluator, evaluatorOf } from "./evaluators.ts";
import { limitedNames, quotaStatus } from "./plan.ts";

type Quota = corev1.ResourceQuota;

/** Admission has counted what appears already; this only checks, and not once for every object. */
const APPEARED_MS = 1000;
const LOOK_AGAIN_AFTER_MS = 10_000;

interface Watched {
  readonly source: AnyInformer;
  readonly evaluator: Evaluator;
  stop(): void;
}

/**
 * Counts what quotas limit. Only what some quota names is watched. Admission charges quotas as things are created; it is here that what
 * has gone is given back.
 */
export class ResourceQuotaController {
  readonly #context: ControllerContext;
  readonly #quotas: Informer<Quota>;
  readonly #client: ResourceClient<Quota>;
  readonly #loop: Loop;
  readonly #watched = new Map<string, Watched>();
  /** What objects use; those on their way out are counted anew each time, since time frees them. */
  readonly #usages = new WeakMap<object, Amounts>();
  #served = new ServedResources([]);
  #askedAt = -Infinity;

  constructor(context: ControllerContext) {
    const { caches, client } = context;
    this.#context = context;
    this.#quotas = caches.informer(resources.resourcequotas);
    this.#client = client.resource(resources.resourcequotas);
    this.#loop = new Loop({
      context,
      informers: [this.#quotas],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      close: () => this.#stopWatching(() => true),
    });
    this.#quotas.handle({
      added: (quota) => this.#loop.add(cacheKey(quota)),
      updated: (quota, before) => {
        if (!deepEqual(quota.spec, before.spec)) this.#loop.add(cacheKey(quota));
      },
      deleted: () => this.#forgetUnneeded(),
    });
  }

  get component(): Component {
    return this.#loop;
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const quota = this.#quotas.lister.get(key);
    if (quota === undefined) return undefined;
    for (const resource of countedResources(limitedNames(quota))) await this.#watch(resource, signal);
    const now = this.#context.env.clock.now();
    const { namespace } = quota.metadata;
    const status = quotaStatus(quota, {
      objects: (resource) => {
        const informer = this.#watched.get(resource)?.source.informer;
        return informer?.synced === true ? informer.lister.list(namespace) : undefined;
      },
      usage: (evaluator, object) => this.#usage(evaluator, object as AnyObject, now),
    });
    if (status !== quota.status) {
      try {
        await this.#client.update({ ...quota, status }, { subresource: "status", signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return this.#context.config.resourceQuotaSyncPeriodMs;
  }

  #usage(evaluator: Evaluator, object: AnyObject, now: number): Amounts {
    if (object.metadata.deletionTimestamp !== undefined) return evaluator.usage(object, now);
    const known = this.#usages.get(object);
    if (known !== undefined) return known;
    const usage = evaluator.usage(object, now);
    this.#usages.set(object, usage);
    return usage;
  }

  /** Sees to it that the resource is in view. One that nobody serves is left out until it is. */
  async #watch(name: string, signal: AbortSignal): Promise<void> {
    const evaluator = evaluatorOf(name);
    if (evaluator === undefined || this.#watched.has(name)) return;
    const resource = await this.#resourceOf(name, signal);
    if (resource === undefined || this.#watched.has(name)) return;
    const source = this.#context.caches.any(resource);
    const wake = (object: AnyObject): void => this.#wake(evaluator, object.metadata.namespace ?? "");
    const leave = source.informer.handle({
      added: (object, initial) => {
        if (!initial) this.#wake(evaluator, object.metadata.namespace ?? "", APPEARED_MS);
      },
      updated: (object, before) => {
        if (evaluator.changed?.(object, before, this.#context.env.clock.now()) === true) wake(object);
      },
      deleted: wake,
    });
    this.#watched.set(name, {
      source,
      evaluator,
      stop: () => {
        leave();
        source.release();
      },
    });
    if (source.builtIn) await source.informer.whenSynced(signal);
    else
      void source.informer.whenSynced(signal).then(
        () => this.#wakeAll(evaluator),
        () => undefined,
      );
  }

  async #resourceOf(name: string, signal: AbortSignal): Promise<Resource<AnyObject> | undefined> {
    const dot = name.indexOf(".");
    const [plural, group] = dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
    const { clock } = this.#context.env;
    const known = this.#served.byName(group, plural);
    if (known !== undefined || clock.now() < this.#askedAt + LOOK_AGAIN_AFTER_MS) return countable(known);
    this.#served = await discover(this.#context.client, signal);
    this.#askedAt = clock.now();
    return countable(this.#served.byName(group, plural));
  }

  #wake(evaluator: Evaluator, namespace: string, delay = 0): void {
    for (const quota of this.#quotas.lister.list(namespace)) {
      if (!limitedNames(quota).some((name) => evaluator.limits(name))) continue;
      if (delay === 0) this.#loop.add(cacheKey(quota));
      else this.#loop.addAfter(cacheKey(quota), delay);
    }
  }

  #wakeAll(evaluator: Evaluator): void {
    for (const quota of this.#quotas.lister.list()) {
      if (limitedNames(quota).some((name) => evaluator.limits(name))) this.#loop.add(cacheKey(quota));
    }
  }

  #forgetUnneeded(): void {
    const needed = new Set<string>();
    for (const quota of this.#quotas.lister.list()) {
      for (const resource of countedResources(limitedNames(quota))) needed.add(resource);
    }
    this.#stopWatching((name) => !needed.has(name));
  }

  #stopWatching(unneeded: (name: string) => boolean): void {
    for (const [name, watched] of this.#watched) {
      if (!unneeded(name)) continue;
      watched.stop();
      this.#watched.delete(name);
    }
  }
}

function countable(resource: Resource<AnyObject> | undefined): Resource<AnyObject> | undefined {
  if (resource?.namespaced !== true) return undefined;
  return ["list", "watch", "delete"].every((verb) => resource.verbs.includes(verb)) ? resource : undefined;
}
