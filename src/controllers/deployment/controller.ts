import { type appsv1, type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, errorText } from "../../kit/index.ts";
import {
  deepEqual,
  getControllerOf,
  hasCause,
  isAlreadyExists,
  isControlledBy,
  isNotFound,
  quote,
  selectorFrom,
} from "../../machinery/index.ts";
import { claim, keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CONTROLLER, ORPHANS } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { followOwned, resolveOwner } from "../common/owned-pods.ts";
import { isPodTerminal } from "../common/pods.ts";
import { SelectorTable } from "../common/selector-table.ts";
import { sameTemplate } from "../common/template-hash.ts";
import { REVISION } from "./annotations.ts";
import { type DeploymentPlan, planDeployment, type Step } from "./plan.ts";
import { desiredReplicas } from "./sizes.ts";
import { condition, hasProgressDeadline, setCondition } from "./status.ts";

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;

const KIND = ["apps", "v1", "Deployment"] as const;

/**
 * Rolls Deployments out: one ReplicaSet a template, sized by {@link planDeployment}. Carries plans out one write after the
 * other and stops at the first that fails; the next round starts from what then is.
 */
export class DeploymentController {
  readonly #context: ControllerContext;
  readonly #deployments: Informer<Deployment>;
  readonly #sets: Informer<ReplicaSet>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #client: ResourceClient<Deployment>;
  readonly #setClient: ResourceClient<ReplicaSet>;
  readonly #ledger: WriteLedger<Deployment>;
  readonly #setLedger: WriteLedger<ReplicaSet>;
  readonly #loop: Loop;

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#deployments = caches.informer(resources.deployments);
    this.#sets = caches.owned(resources.replicasets);
    this.#pods = caches.pods();
    this.#client = client.resource(resources.deployments);
    this.#setClient = client.resource(resources.replicasets);
    const selectors = new SelectorTable(this.#deployments, (d) => selectorFrom(d.spec.selector));
    this.#ledger = new WriteLedger(this.#deployments, this.#client, env, (d) => this.#loop.add(cacheKey(d)));
    this.#setLedger = new WriteLedger(this.#sets, this.#setClient, env, (set) => this.#wakeOwnerOf(set));
    this.#loop = new Loop({
      context,
      informers: [this.#deployments, this.#sets, this.#pods],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      close: () => {
        this.#ledger.close();
        this.#setLedger.close();
      },
    });
    this.#loop.follow(this.#deployments);
    followOwned(this.#sets, {
      kind: KIND[2],
      owners: this.#deployments,
      selectors,
      wake: (owner) => this.#loop.add(cacheKey(owner)),
    });
    this.#pods.handle({
      updated: (pod, before) => {
        if (isPodTerminal(pod) && !isPodTerminal(before)) this.#wakeRecreating(pod);
      },
      deleted: (pod) => this.#wakeRecreating(pod),
    });
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeOwnerOf(set: ReplicaSet): void {
    const owner = getControllerOf(set);
    if (owner?.kind === KIND[2]) this.#loop.add(`${set.metadata.namespace}/${owner.name}`);
  }

  /** A Recreate waits for the last old pod; no other strategy looks at pods. */
  #wakeRecreating(pod: corev1.Pod): void {
    const { namespace } = pod.metadata;
    const set = resolveOwner({ kind: "ReplicaSet", owners: this.#sets }, namespace, getControllerOf(pod));
    if (set === undefined) return;
    const owner = resolveOwner({ kind: KIND[2], owners: this.#deployments }, namespace, getControllerOf(set));
    if (owner?.spec.strategy.type === "Recreate") this.#loop.add(cacheKey(owner));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const deployment = this.#ledger.get(key);
    if (deployment === undefined) return undefined;
    if (selectorFrom(deployment.spec.selector).empty) {
      await this.#refuseEmptySelector(deployment, signal);
      return undefined;
    }
    const sets = await this.#claimSets(deployment, signal);
    const plan = planDeployment({
      deployment,
      sets,
      hasPodsBeside: (uid) => sets.some((set) => set.metadata.uid !== uid && this.#hasLivePods(set)),
      now: this.#context.env.clock.now(),
    });
    for (const step of plan.steps) await this.#carryOut(step, deployment, signal);
    await this.#writeStatus(deployment, plan, signal);
    return plan.checkIn;
  }

  async #refuseEmptySelector(deployment: Deployment, signal: AbortSignal): Promise<void> {
    this.#warn(deployment, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
    const { generation } = deployment.metadata;
    if (generation === undefined || (deployment.status.observedGeneration ?? 0) >= generation) return;
    await this.#put({ ...deployment, status: { ...deployment.status, observedGeneration: generation } }, signal);
  }

  #claimSets(deployment: Deployment, signal: AbortSignal): Promise<ReplicaSet[]> {
    const { uid, namespace } = deployment.metadata;
    const { lister } = this.#sets;
    const candidates = new Map<string, ReplicaSet>();
    for (const set of this.#setLedger.view(lister.byIndex(BY_CONTROLLER, uid), uid)) {
      candidates.set(set.metadata.uid, set);
    }
    for (const orphan of lister.byIndex(ORPHANS, namespace)) {
      candidates.set(orphan.metadata.uid, this.#setLedger.current(orphan));
    }
    return claim(candidates.values(), {
      owner: deployment,
      ownerKind: KIND,
      selector: selectorFrom(deployment.spec.selector),
      client: this.#setClient,
      liveOwner: () => this.#client.get(keyOf(deployment), { signal }),
      onWrite: (set) => this.#setLedger.wrote(set),
      signal,
    });
  }

  #hasLivePods(set: ReplicaSet): boolean {
    for (const pod of this.#pods.lister.byIndex(BY_CONTROLLER, set.metadata.uid)) if (!isPodTerminal(pod)) return true;
    return false;
  }

  async #carryOut(step: Step, deployment: Deployment, signal: AbortSignal): Promise<void> {
    if (step.kind === "create") await this.#create(step.set, deployment, signal);
    else if (step.kind === "update") await this.#update(step, deployment, signal);
    else await this.#delete(step.set, signal);
  }

  async #update(step: Step & { kind: "update" }, deployment: Deployment, signal: AbortSignal): Promise<void> {
    const { set, from, to } = step;
    this.#setLedger.wrote(await this.#setClient.update(set, { signal }));
    if (from !== to) this.#sayScaled(deployment, set, from, to);
  }

  async #delete(set: ReplicaSet, signal: AbortSignal): Promise<void> {
    try {
      await this.#setClient.delete(keyOf(set), { preconditions: { uid: set.metadata.uid }, signal });
      this.#setLedger.deleting(set);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #create(set: ReplicaSet, deployment: Deployment, signal: AbortSignal): Promise<void> {
    const { uid: _uid, resourceVersion: _version, creationTimestamp: _time, ...metadata } = set.metadata;
    try {
      const created = await this.#setClient.create({ metadata, spec: set.spec }, { signal });
      this.#setLedger.created(created);
      const size = desiredReplicas(set);
      if (size > 0) this.#sayScaled(deployment, created, 0, size);
    } catch (error) {
      if (isAlreadyExists(error)) await this.#resolveCollision(set, deployment, error, signal);
      else await this.#reportCreateFailure(set, deployment, error, signal);
    }
  }

  /** The name is taken: by our own set that we have not seen yet, or by chance, which another hash solves. */
  async #resolveCollision(set: ReplicaSet, deployment: Deployment, error: unknown, signal: AbortSignal): Promise<void> {
    const existing = await this.#setClient.get(keyOf(set), { signal });
    if (isControlledBy(existing, deployment) && sameTemplate(existing.spec.template, deployment.spec.template)) {
      this.#setLedger.created(existing);
      return;
    }
    const collisionCount = (deployment.status.collisionCount ?? 0) + 1;
    await this.#put({ ...deployment, status: { ...deployment.status, collisionCount } }, signal);
    throw error;
  }

  async #reportCreateFailure(
    set: ReplicaSet,
    deployment: Deployment,
    error: unknown,
    signal: AbortSignal,
  ): Promise<never> {
    if (signal.aborted || hasCause(error, "NamespaceTerminating")) throw error;
    const message = `Failed to create new replica set ${quote(set.metadata.name)}: ${errorText(error)}`;
    this.#warn(deployment, "ReplicaSetCreateError", message);
    if (hasProgressDeadline(deployment)) {
      const now = this.#context.env.clock.now();
      const failed = condition("Progressing", "False", "ReplicaSetCreateError", message, now);
      const conditions = setCondition(deployment.status.conditions, failed);
      // The creation's failure is the news; that of the report would only hide it.
      await this.#put({ ...deployment, status: { ...deployment.status, conditions } }, signal).catch(() => undefined);
    }
    throw error;
  }

  async #writeStatus(deployment: Deployment, plan: DeploymentPlan, signal: AbortSignal): Promise<void> {
    const { annotations = {} } = deployment.metadata;
    const revision = plan.revision ?? annotations[REVISION];
    const renamed = revision !== annotations[REVISION];
    if (!renamed && deepEqual(plan.status, deployment.status)) return;
    const metadata =
      renamed && revision !== undefined
        ? { ...deployment.metadata, annotations: { ...annotations, [REVISION]: revision } }
        : deployment.metadata;
    await this.#put({ ...deployment, metadata, status: plan.status }, signal);
  }

  /** Writes status and annotations: the status endpoint takes both. */
  async #put(deployment: Deployment, signal: AbortSignal): Promise<void> {
    try {
      this.#ledger.wrote(await this.#client.update(deployment, { subresource: "status", signal }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #sayScaled(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    const direction = to > from ? "up" : "down";
    const message = `Scaled ${direction} replica set ${set.metadata.name} from ${from} to ${to}`;
    this.#context.events.normal(resources.deployments, deployment, "ScalingReplicaSet", message);
  }

  #warn(deployment: Deployment, reason: string, message: string): void {
    this.#context.events.warning(resources.deployments, deployment, reason, message);
  }
}
