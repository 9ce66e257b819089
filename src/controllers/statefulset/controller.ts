import { type appsv1, type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import type { Component } from "../../kit/index.ts";
import { deepEqual, getControllerOf, isNotFound, selectorFrom } from "../../machinery/index.ts";
import { slowStart } from "../common/bounded.ts";
import { claim, keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_CONTROLLER, ORPHANS } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { followOwned } from "../common/owned-pods.ts";
import { nextAvailability } from "../common/pods.ts";
import { newRevision, Revisions, sameRevision, templateOf, templatePatch } from "../common/revisions.ts";
import { SelectorTable } from "../common/selector-table.ts";
import { stableHash } from "../common/template-hash.ts";
import { StatefulActions } from "./actions.ts";
import { identityOf, KIND, revisionOf } from "./identity.ts";
import { planStateful, type StatefulPlan } from "./plan.ts";
import { statefulStatus, type StatusRevisions } from "./status.ts";

type StatefulSet = appsv1.StatefulSet;
type Pod = corev1.Pod;
type Claim = corev1.PersistentVolumeClaim;
type Revision = appsv1.ControllerRevision;

const HASH = "controller.kubernetes.io/hash";
const LONGEST_NAME = 223;

interface History {
  readonly current: Revision;
  readonly update: Revision;
  readonly all: readonly Revision[];
  readonly collisionCount: number;
}

/** Keeps the numbered pods of StatefulSets, with the same names and claims for each number whatever happens to the pods. */
export class StatefulSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<StatefulSet>;
  readonly #pods: Informer<Pod>;
  readonly #client: ResourceClient<StatefulSet>;
  readonly #ledger: WriteLedger<StatefulSet>;
  readonly #podLedger: WriteLedger<Pod>;
  readonly #revisions: Revisions;
  readonly #actions: StatefulActions;
  readonly #loop: Loop;
  /** Sets by the claims whose end they wait for. */
  readonly #waiting = new Map<string, string>();

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#sets = caches.informer(resources.statefulsets);
    this.#pods = caches.pods();
    this.#client = client.resource(resources.statefulsets);
    const claims = caches.informer(resources.persistentvolumeclaims);
    const selectors = new SelectorTable(this.#sets, (set) => selectorFrom(set.spec.selector));
    this.#ledger = new WriteLedger(this.#sets, this.#client, env, (set) => this.#loop.add(cacheKey(set)));
    this.#podLedger = new WriteLedger(this.#pods, client.resource(resources.pods), env, (pod) => this.#wakeOwner(pod));
    const claimClient = client.resource(resources.persistentvolumeclaims);
    const claimLedger = new WriteLedger(claims, claimClient, env, () => undefined);
    this.#revisions = new Revisions(context, KIND, (revision) => this.#wakeOwner(revision));
    this.#actions = new StatefulActions(context, { podLedger: this.#podLedger, claims, claimLedger });
    this.#loop = new Loop({
      context,
      informers: [this.#sets, this.#pods, claims, this.#revisions.informer],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      close: () => {
        this.#ledger.close();
        this.#podLedger.close();
        claimLedger.close();
        this.#revisions.close();
      },
    });
    this.#loop.follow(this.#sets);
    const wake = (set: StatefulSet): void => this.#loop.add(cacheKey(set));
    followOwned(this.#pods, { kind: KIND[2], owners: this.#sets, selectors, wake });
    claims.handle({ deleted: (gone) => this.#claimGone(gone) });
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeOwner(object: Pod | Revision): void {
    const owner = getControllerOf(object);
    if (owner?.kind === KIND[2]) this.#loop.add(`${object.metadata.namespace}/${owner.name}`);
  }

  #claimGone(gone: Claim): void {
    const key = cacheKey(gone);
    const set = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (set !== undefined) this.#loop.add(set);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const set = this.#ledger.get(key);
    if (set === undefined) return undefined;
    const pods = await this.#claimPods(set, signal);
    const history = await this.#history(set, signal);
    const now = this.#context.env.clock.now();
    const { namespace } = set.metadata;
    const plan = planStateful({
      set,
      pods,
      current: revisionTemplate(history.current, set),
      update: { name: history.update.metadata.name, template: set.spec.template },
      claim: (name) => this.#actions.claim(namespace, name),
      now,
    });
    for (const name of plan.waitFor) this.#waiting.set(`${namespace}/${name}`, key);
    const failure = await this.#carryOut(set, plan, signal);
    const after = this.#podsOf(set).filter((pod) => isMember(set, pod));
    await this.#writeStatus(set, this.#status(set, after, history), signal);
    if (failure !== undefined) throw failure;
    await this.#truncate(set, history, after, signal);
    const minReady = set.spec.minReadySeconds ?? 0;
    return nextAvailability(after, minReady, this.#context.env.clock.now());
  }

  #podsOf(set: StatefulSet): Pod[] {
    const { uid, namespace } = set.metadata;
    const { lister } = this.#pods;
    const own = this.#podLedger.view(lister.byIndex(BY_CONTROLLER, uid), uid);
    for (const orphan of lister.byIndex(ORPHANS, namespace)) own.push(this.#podLedger.current(orphan));
    return own;
  }

  #claimPods(set: StatefulSet, signal: AbortSignal): Promise<Pod[]> {
    return claim(this.#podsOf(set), {
      owner: set,
      ownerKind: KIND,
      selector: selectorFrom(set.spec.selector),
      client: this.#context.client.resource(resources.pods),
      liveOwner: () => this.#client.get(keyOf(set), { signal }),
      filter: ({ metadata }) => identityOf(metadata.name)?.parent === set.metadata.name,
      onWrite: (pod) => this.#podLedger.wrote(pod),
      signal,
    });
  }

  /** Returns the first failure. */
  async #carryOut(set: StatefulSet, plan: StatefulPlan, signal: AbortSignal): Promise<unknown> {
    for (const steps of plan.phases) {
      const take = async (i: number): Promise<void> => {
        const step = steps[i];
        if (step !== undefined) await this.#actions.take(set, step, signal);
      };
      if (plan.ordered) {
        try {
          for (const i of steps.keys()) await take(i);
        } catch (error) {
          return error;
        }
      } else {
        const { error } = await slowStart(steps.length, take);
        if (error !== undefined) return error;
      }
    }
    return undefined;
  }

  /** The revisions by number, of which the newest is what the template says now. */
  async #history(set: StatefulSet, signal: AbortSignal): Promise<History> {
    const live = (): Promise<StatefulSet> => this.#client.get(keyOf(set), { signal });
    const before = await this.#revisions.of(set, selectorFrom(set.spec.selector), live, signal);
    const next = (before.at(-1)?.revision ?? 0) + 1;
    const data = templatePatch(set.spec.template);
    const same = before.findLast((revision) => sameRevision(revision, { data }));
    let collisionCount = set.status.collisionCount ?? 0;
    let update: Revision | undefined;
    if (same !== undefined) {
      // A template that has been there before becomes the newest again.
      update = same === before.at(-1) ? same : await this.#revisions.update({ ...same, revision: next }, signal);
    }
    while (update === undefined) {
      update = await this.#revisions.create(revisionDraft(set, data, next, collisionCount), signal);
      if (update === undefined) collisionCount++;
    }
    const current = before.find(({ metadata }) => metadata.name === set.status.currentRevision) ?? update;
    return { current, update, all: before, collisionCount };
  }

  #status(set: StatefulSet, pods: readonly Pod[], history: History): appsv1.StatefulSetStatus {
    const { collisionCount } = history;
    const [current, update] = [history.current.metadata.name, history.update.metadata.name];
    const revisions: StatusRevisions = { current, update, collisionCount };
    return statefulStatus(set, pods, revisions, this.#context.env.clock.now());
  }

  /** Deletes the oldest revisions beyond the limit that nothing refers to. */
  async #truncate(set: StatefulSet, history: History, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    const live = new Set([history.current.metadata.name, history.update.metadata.name, ...pods.map(revisionOf)]);
    const old = history.all.filter(({ metadata }) => !live.has(metadata.name));
    const surplus = old.length - (set.spec.revisionHistoryLimit ?? 10);
    for (const revision of old.slice(0, Math.max(0, surplus))) await this.#revisions.delete(revision, signal);
  }

  async #writeStatus(set: StatefulSet, status: appsv1.StatefulSetStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(set.status, status)) return;
    try {
      this.#ledger.wrote(await this.#client.update({ ...set, status }, { subresource: "status", signal }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function isMember(set: StatefulSet, pod: Pod): boolean {
  return getControllerOf(pod)?.uid === set.metadata.uid;
}

function revisionTemplate(revision: Revision, set: StatefulSet): { name: string; template: corev1.PodTemplateSpec } {
  return { name: revision.metadata.name, template: templateOf(revision) ?? set.spec.template };
}

function revisionDraft(
  set: StatefulSet,
  data: unknown,
  revision: number,
  collisionCount: number,
): ReturnType<typeof newRevision> {
  const hash = stableHash(data, collisionCount);
  const labels = { ...set.spec.template.metadata?.labels, [HASH]: hash };
  const name = `${set.metadata.name.slice(0, LONGEST_NAME)}-${hash}`;
  return newRevision(set, KIND, { name, labels, data, revision });
}
