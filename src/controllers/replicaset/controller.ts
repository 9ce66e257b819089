import type { appsv1, corev1, GroupVersionKind, metav1, Resource } from "../../api/index.ts";
import { resources } from "../../api/index.ts";
import { cacheKey, type CachedObject, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import { deepEqual, hasCause, isNotFound, type Selector } from "../../machinery/index.ts";
import { forEachBounded, slowStart } from "../common/bounded.ts";
import { claim } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CONTROLLER, ORPHANS } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { followOwned } from "../common/owned-pods.ts";
import { PodControl, podFromTemplate } from "../common/pod-control.ts";
import { isPodActive, isPodTerminating, nextAvailability } from "../common/pods.ts";
import { SelectorTable } from "../common/selector-table.ts";
import { planReplicas, type ReplicaOwner, replicaStatus } from "./plan.ts";

const DELETE_CONCURRENCY = 64;

/** A kind that keeps a number of pods. */
export interface ReplicaKind<O> {
  readonly resource: Resource<O>;
  readonly kind: GroupVersionKind;
  /** Reads the object; its status is the one to compare with. */
  view(object: O): ReplicaOwner;
  selector(object: O): Selector;
  /** Whether the status says how many pods are being deleted. */
  readonly reportsTerminating: boolean;
  /** The owners whose pods crowd a node like those of `object`: those under the same controller, itself included. */
  related(object: O): Iterable<O>;
}

/**
 * Keeps as many pods as a ReplicaSet or a ReplicationController wants: creates missing ones in growing batches, deletes surplus
 * ones by rank, adopts and releases by label, and reports what there is. Reads its own writes through ledgers, so that a
 * late informer never makes it create or delete twice.
 */
export class ReplicaController<O extends CachedObject & { metadata: metav1.ObjectMeta & { namespace: string } }> {
  readonly #context: ControllerContext;
  readonly #kind: ReplicaKind<O>;
  readonly #owners: Informer<O>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #client: ResourceClient<O>;
  readonly #control: PodControl;
  readonly #podLedger: WriteLedger<corev1.Pod>;
  readonly #ownerLedger: WriteLedger<O>;
  readonly #loop: Loop;

  constructor(context: ControllerContext, kind: ReplicaKind<O>) {
    this.#context = context;
    this.#kind = kind;
    this.#owners = context.caches.informer(kind.resource);
    this.#pods = context.caches.pods();
    this.#client = context.client.resource(kind.resource);
    const selectors = new SelectorTable(this.#owners, (owner) => kind.selector(owner));
    this.#podLedger = new WriteLedger(this.#pods, context.client.resource(resources.pods), context.env, (pod) =>
      this.#wakeOwnerOf(pod),
    );
    this.#ownerLedger = new WriteLedger(this.#owners, this.#client, context.env, (o) => this.#loop.add(cacheKey(o)));
    this.#control = new PodControl(context, kind.resource, this.#podLedger);
    this.#loop = new Loop({
      context,
      informers: [this.#owners, this.#pods],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      close: () => {
        this.#podLedger.close();
        this.#ownerLedger.close();
      },
    });
    this.#loop.follow(this.#owners);
    followOwned(this.#pods, {
      kind: kind.kind[2],
      owners: this.#owners,
      selectors,
      wake: (owner) => this.#loop.add(cacheKey(owner)),
    });
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeOwnerOf(pod: corev1.Pod): void {
    const reference = pod.metadata.ownerReferences?.find((ref) => ref.controller === true);
    if (reference?.kind === this.#kind.kind[2]) this.#loop.add(`${pod.metadata.namespace}/${reference.name}`);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const object = this.#ownerLedger.get(key);
    if (object === undefined) return undefined;
    const owner = this.#kind.view(object);
    const selector = this.#kind.selector(object);
    const all = this.#podsOf(owner);
    const active = await claim(all.filter(isPodActive), {
      owner,
      ownerKind: this.#kind.kind,
      selector,
      client: this.#context.client.resource(resources.pods),
      liveOwner: () => this.#client.get({ name: owner.metadata.name, namespace: owner.metadata.namespace }, { signal }),
      onWrite: (pod) => this.#podLedger.wrote(pod),
      signal,
    });
    const failure =
      owner.metadata.deletionTimestamp === undefined ? await this.#scale(object, owner, active, signal) : undefined;
    const now = this.#context.env.clock.now();
    const after = this.#podsOf(owner).filter(
      (pod) => isControlled(pod, owner) && selector.matches(pod.metadata.labels),
    );
    const status = replicaStatus({
      owner,
      active: after.filter(isPodActive),
      ...(this.#kind.reportsTerminating ? { terminating: after.filter(isPodTerminating).length } : {}),
      ...(failure === undefined || hasCause(failure, "NamespaceTerminating") ? {} : { failure: errorText(failure) }),
      now,
    });
    await this.#writeStatus(object, owner.status, status, signal);
    if (failure !== undefined) throw failure;
    return availabilityCheckIn(owner, status, after, now);
  }

  /** Pods that are the owner's or nobody's, as of our last write. */
  #podsOf(owner: ReplicaOwner): corev1.Pod[] {
    const { lister } = this.#pods;
    const { uid, namespace } = owner.metadata;
    const own = this.#podLedger.view(lister.byIndex(BY_CONTROLLER, uid), uid);
    for (const orphan of lister.byIndex(ORPHANS, namespace)) {
      const pod = this.#podLedger.current(orphan);
      if (isControlled(pod, owner) || !isOwned(pod)) own.push(pod);
    }
    return own;
  }

  /** Creates or deletes pods; returns the first failure. */
  async #scale(object: O, owner: ReplicaOwner, active: readonly corev1.Pod[], signal: AbortSignal): Promise<unknown> {
    const now = this.#context.env.clock.now();
    const plan = planReplicas(owner.spec.replicas, active, () => this.#relatedPods(object), now);
    if (plan.create > 0) {
      const draft = podFromTemplate(owner.spec.template, owner, this.#kind.kind);
      const create = async (): Promise<void> => void (await this.#control.create(draft, owner, signal));
      return (await slowStart(plan.create, create)).error;
    }
    try {
      await forEachBounded(plan.remove, DELETE_CONCURRENCY, (pod) => this.#control.delete(pod, owner, signal));
      return undefined;
    } catch (error) {
      return error;
    }
  }

  *#relatedPods(object: O): Generator<corev1.Pod> {
    for (const related of this.#kind.related(object)) {
      yield* this.#podLedger.view(this.#pods.lister.byIndex(BY_CONTROLLER, related.metadata.uid), related.metadata.uid);
    }
  }

  async #writeStatus(
    object: O,
    before: appsv1.ReplicaSetStatus,
    status: appsv1.ReplicaSetStatus,
    signal: AbortSignal,
  ): Promise<void> {
    if (deepEqual(before, status)) return;
    // `O` has a status of this very shape; the compiler cannot see that through the type parameter.
    const draft = { ...object, status } as unknown as Parameters<ResourceClient<O>["update"]>[0];
    try {
      this.#ownerLedger.wrote(await this.#client.update(draft, { subresource: "status", signal }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Nothing else happens when a pod has been ready for long enough, so somebody must look: in how many milliseconds. */
function availabilityCheckIn(
  owner: ReplicaOwner,
  status: appsv1.ReplicaSetStatus,
  pods: readonly corev1.Pod[],
  now: number,
): number | undefined {
  const { minReadySeconds } = owner.spec;
  if (minReadySeconds <= 0 || status.readyReplicas === status.availableReplicas) return undefined;
  return nextAvailability(pods, minReadySeconds, now) ?? minReadySeconds * 1000;
}

function isControlled(pod: corev1.Pod, owner: ReplicaOwner): boolean {
  return (
    pod.metadata.ownerReferences?.some((ref) => ref.controller === true && ref.uid === owner.metadata.uid) ?? false
  );
}

function isOwned(pod: corev1.Pod): boolean {
  return pod.metadata.ownerReferences?.some((ref) => ref.controller === true) ?? false;
}
