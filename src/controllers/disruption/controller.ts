import { type corev1, type metav1, type policyv1, resources } from "../../api/index.ts";
import { cacheKey, type CachedObject, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import {
  deepEqual,
  formatTime,
  getControllerOf,
  isConflict,
  isNotFound,
  parseApiVersion,
  selectorFrom,
} from "../../machinery/index.ts";
import type { MetaObject } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { isPodReady, podCondition } from "../common/pods.ts";
import { Scales } from "../common/scales.ts";
import { Selected } from "../common/selected.ts";
import { budgetStatus, countHealthy, disruptedPods, failedStatus, needOf, needsScale, targetExpiry } from "./plan.ts";

type Budget = policyv1.PodDisruptionBudget;
type Pod = corev1.Pod;
type Workload = CachedObject & MetaObject & { readonly spec: { readonly replicas?: number } };

/** Keeps the status of disruption budgets, which evictions obey, and takes back what was said of evictions that never came. */
export class DisruptionController implements Component {
  readonly name: string;
  readonly #context: ControllerContext;
  readonly #budgets: Informer<Budget>;
  readonly #pods: Informer<Pod>;
  readonly #podsOf: Selected<Budget, Pod>;
  /** Cached workloads by `group/Kind`. */
  readonly #workloads: ReadonlyMap<string, Informer<Workload>>;
  readonly #scales: Scales;
  readonly #client: ResourceClient<Budget>;
  readonly #loop: Loop;
  readonly #targets: Loop;

  constructor(context: ControllerContext) {
    const { caches, client, env, name } = context;
    this.name = name;
    this.#context = context;
    this.#budgets = caches.informer(resources.poddisruptionbudgets);
    this.#pods = caches.pods();
    this.#client = client.resource(resources.poddisruptionbudgets);
    this.#scales = new Scales(client, env);
    this.#workloads = new Map<string, Informer<Workload>>([
      ["/ReplicationController", caches.informer(resources.replicationcontrollers)],
      ["apps/Deployment", caches.informer(resources.deployments)],
      ["apps/ReplicaSet", caches.informer(resources.replicasets)],
      ["apps/StatefulSet", caches.informer(resources.statefulsets)],
    ]);
    this.#podsOf = new Selected(this.#budgets, this.#pods, caches.podClasses(), ({ spec }) =>
      selectorFrom(spec.selector),
    );
    this.#loop = new Loop({
      context,
      informers: [this.#budgets, this.#podsOf, ...this.#workloads.values()],
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
    this.#targets = new Loop({
      context: { name: `${name}-targets`, env },
      informers: [this.#pods],
      reconcile: (key, signal) => this.#clearTarget(key, signal),
    });
    this.#loop.follow(this.#budgets);
    this.#pods.handle({
      added: (pod) => this.#podChanged(pod),
      updated: (pod, before) => this.#podUpdated(pod, before),
      deleted: (pod) => this.#wake(pod),
    });
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await Promise.all([this.#loop.ready(signal), this.#targets.ready(signal)]);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#loop.run(signal), this.#targets.run(signal)]);
  }

  #podChanged(pod: Pod): void {
    this.#wake(pod);
    if (targetExpiry(pod, this.#now()) !== undefined) this.#targets.add(cacheKey(pod));
  }

  #podUpdated(pod: Pod, before: Pod): void {
    if (!deepEqual(pod.metadata.labels, before.metadata.labels)) this.#wake(before);
    if (isPodReady(pod) !== isPodReady(before) || !sameFate(pod, before)) this.#podChanged(pod);
  }

  /** Wakes the budgets of a pod. It should have but one. */
  #wake(pod: Pod): void {
    const { namespace, name, labels } = pod.metadata;
    const found = [...this.#podsOf.selecting(namespace, labels)];
    const [first] = found;
    if (first !== undefined && found.length > 1) {
      const message = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${first.metadata.name}" arbitrarily.`;
      this.#context.events.warning(resources.pods, pod, "MultiplePodDisruptionBudgets", message);
    }
    for (const budget of found) this.#loop.add(cacheKey(budget));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const budget = this.#budgets.lister.get(key);
    if (budget === undefined) return undefined;
    try {
      return await this.#sync(budget, signal);
    } catch (error) {
      if (isConflict(error) || signal.aborted) throw error;
      this.#context.env.log.warn("Failed to sync PDB", { podDisruptionBudget: key, error: errorText(error) });
      await this.#writeStatus(budget, failedStatus(budget, errorText(error), this.#now()), signal);
      return undefined;
    }
  }

  async #sync(budget: Budget, signal: AbortSignal): Promise<number | undefined> {
    const { events } = this.#context;
    const budgets = resources.poddisruptionbudgets;
    const pods = [...this.#podsOf.by(cacheKey(budget))];
    if (pods.length === 0) events.normal(budgets, budget, "NoPods", "No matching pods found");
    const scale = needsScale(budget) ? await this.#scaleOf(budget, pods, signal) : 0;
    const now = this.#now();
    const disrupted = disruptedPods(budget, pods, now);
    for (const pod of disrupted.notDeleted) {
      const { namespace } = budget.metadata;
      const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
      events.warning(resources.pods, pod, "NotDeleted", message);
    }
    const healthy = countHealthy(pods, disrupted.pods, now);
    const need = needOf(budget, pods.length, scale);
    await this.#writeStatus(budget, budgetStatus(budget, need, healthy, disrupted.pods, now), signal);
    return disrupted.recheck;
  }

  /** How many pods the controllers of `pods` want together. Throws when one of them cannot be asked. */
  async #scaleOf(budget: Budget, pods: readonly Pod[], signal: AbortSignal): Promise<number> {
    const { events } = this.#context;
    const scales = new Map<string, number>();
    let unmanaged = false;
    try {
      for (const pod of pods) {
        const controller = getControllerOf(pod);
        if (controller === undefined) unmanaged = true;
        else if (!scales.has(controller.uid)) {
          const found = await this.#scaleOfController(controller, pod.metadata.namespace, signal);
          if (found === undefined) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
          scales.set(controller.uid, 0);
          scales.set(found.uid, found.replicas);
        }
      }
    } catch (error) {
      const message = `Failed to calculate the number of expected pods: ${errorText(error)}`;
      events.warning(resources.poddisruptionbudgets, budget, "CalculateExpectedPodCountFailed", message);
      throw error;
    }
    if (unmanaged) {
      const selector = selectorFrom(budget.spec.selector).toString();
      const message =
        `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status ` +
        `of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ` +
        `".spec.minAvailable" field of the PDB to an integer value.`;
      events.warning(resources.poddisruptionbudgets, budget, "UnmanagedPods", message);
    }
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  async #scaleOfController(
    reference: metav1.OwnerReference,
    namespace: string,
    signal: AbortSignal,
  ): Promise<{ uid: string; replicas: number } | undefined> {
    const cached = this.#cached(reference, namespace);
    if (cached !== undefined) {
      // A ReplicaSet of a Deployment counts as the Deployment.
      const above = reference.kind === "ReplicaSet" ? getControllerOf(cached) : undefined;
      const top = above?.kind === "Deployment" ? this.#cached(above, namespace) : cached;
      if (top !== undefined) return { uid: top.metadata.uid, replicas: top.spec.replicas ?? 1 };
    }
    const resource = await this.#scales.resourceOf(reference, signal);
    if (resource === undefined) {
      throw new Error(`no matches for kind "${reference.kind}" in version "${reference.apiVersion}"`);
    }
    try {
      const scale = await this.#scales.get(resource, { namespace, name: reference.name }, signal);
      if (scale.metadata.uid !== reference.uid) return undefined;
      return { uid: scale.metadata.uid, replicas: scale.spec.replicas ?? 0 };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (resource.subresources.some(({ name }) => name === "scale")) return undefined;
      const name = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
      throw new Error(`${name} does not implement the scale subresource`, { cause: error });
    }
  }

  #cached(reference: metav1.OwnerReference, namespace: string): Workload | undefined {
    const { group } = parseApiVersion(reference.apiVersion);
    const workload = this.#workloads.get(`${group}/${reference.kind}`)?.lister.get(`${namespace}/${reference.name}`);
    return workload?.metadata.uid === reference.uid ? workload : undefined;
  }

  async #writeStatus(budget: Budget, status: Budget["status"], signal: AbortSignal): Promise<void> {
    if (status === budget.status) return;
    try {
      await this.#client.update({ ...budget, status }, { subresource: "status", signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Takes the condition back from a pod that was to be disrupted and was not. */
  async #clearTarget(key: string, signal: AbortSignal): Promise<number | undefined> {
    const pod = this.#pods.lister.get(key);
    const expiry = pod === undefined ? undefined : targetExpiry(pod, this.#now());
    if (pod === undefined || expiry === undefined || expiry > 0) return expiry;
    const lastTransitionTime = formatTime(this.#now());
    const conditions = (pod.status.conditions ?? []).map((condition) =>
      condition.type === "DisruptionTarget"
        ? { type: condition.type, status: "False" as const, lastTransitionTime }
        : condition,
    );
    const changed = { ...pod, status: { ...pod.status, conditions } };
    await this.#context.client.resource(resources.pods).update(changed, { subresource: "status", signal });
    return undefined;
  }

  #now(): number {
    return this.#context.env.clock.now();
  }
}

function sameFate(a: Pod, b: Pod): boolean {
  return (
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    deepEqual(a.metadata.labels, b.metadata.labels) &&
    deepEqual(a.metadata.ownerReferences, b.metadata.ownerReferences) &&
    deepEqual(podCondition(a, "DisruptionTarget"), podCondition(b, "DisruptionTarget"))
  );
}
