import { type appsv1, type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import type { Component } from "../../kit/index.ts";
import { deepEqual, getControllerOf, isNotFound, selectorFrom } from "../../machinery/index.ts";
import { forEachBounded, slowStart } from "../common/bounded.ts";
import { claim, keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { FailureBackoff } from "../common/failure-backoff.ts";
import { BY_CONTROLLER, BY_NODE, ORPHANS } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { followOwned } from "../common/owned-pods.ts";
import { PodControl, podFromTemplate } from "../common/pod-control.ts";
import { newRevision, Revisions, templatePatch } from "../common/revisions.ts";
import { SelectorTable } from "../common/selector-table.ts";
import { stableHash } from "../common/template-hash.ts";
import { daemonTemplate, type Placement, placementOn, REVISION_HASH } from "./daemon-pod.ts";
import { type DaemonPlan, daemonStatus, planDaemons } from "./plan.ts";

type DaemonSet = appsv1.DaemonSet;
type Revision = appsv1.ControllerRevision;

const KIND = ["apps", "v1", "DaemonSet"] as const;
const BURST = 250;
const DELETE_CONCURRENCY = 64;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15 * 60_000;

/** Keeps one pod of a DaemonSet on every node that it wants, and its revisions. */
export class DaemonSetController {
  readonly #context: ControllerContext;
  readonly #sets: Informer<DaemonSet>;
  readonly #nodes: Informer<corev1.Node>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #client: ResourceClient<DaemonSet>;
  readonly #ledger: WriteLedger<DaemonSet>;
  readonly #podLedger: WriteLedger<corev1.Pod>;
  readonly #control: PodControl;
  readonly #revisions: Revisions;
  readonly #failures: FailureBackoff;
  readonly #loop: Loop;
  /** What a set wants of a node, as long as neither changes: a node is judged once, not at every pod's change. */
  readonly #placements = new WeakMap<DaemonSet["spec"], WeakMap<corev1.Node, Placement>>();

  constructor(context: ControllerContext) {
    const { caches, client, env } = context;
    this.#context = context;
    this.#sets = caches.informer(resources.daemonsets);
    this.#nodes = caches.informer(resources.nodes);
    this.#pods = caches.pods();
    this.#client = client.resource(resources.daemonsets);
    const selectors = new SelectorTable(this.#sets, (set) => selectorFrom(set.spec.selector));
    this.#ledger = new WriteLedger(this.#sets, this.#client, env, (set) => this.#loop.add(cacheKey(set)));
    this.#podLedger = new WriteLedger(this.#pods, client.resource(resources.pods), env, (pod) => this.#wakeOwner(pod));
    this.#control = new PodControl(context, resources.daemonsets, this.#podLedger);
    this.#revisions = new Revisions(context, KIND, (revision) => this.#wakeOwner(revision));
    this.#failures = new FailureBackoff(env.clock, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    this.#loop = new Loop({
      context,
      workers: 2,
      informers: [this.#sets, this.#nodes, this.#pods, this.#revisions.informer],
      reconcile: (key, signal) => this.#reconcile(key, signal),
      close: () => {
        this.#ledger.close();
        this.#podLedger.close();
        this.#revisions.close();
      },
    });
    this.#loop.follow(this.#sets);
    const wake = (set: DaemonSet): void => this.#loop.add(cacheKey(set));
    const lookup = { kind: KIND[2], owners: this.#sets, selectors, wake };
    followOwned(this.#pods, lookup);
    followOwned(this.#revisions.informer, lookup);
    this.#followNodes();
  }

  get component(): Component {
    return this.#loop;
  }

  #wakeOwner(object: corev1.Pod | Revision): void {
    const owner = getControllerOf(object);
    if (owner?.kind === KIND[2]) this.#loop.add(`${object.metadata.namespace}/${owner.name}`);
  }

  #followNodes(): void {
    this.#nodes.handle({
      added: (node) => this.#nodeChanged(node),
      updated: (node, before) => {
        const same =
          deepEqual(node.metadata.labels, before.metadata.labels) && deepEqual(node.spec.taints, before.spec.taints);
        if (!same) this.#nodeChanged(node);
      },
      deleted: () => {
        for (const set of this.#sets.lister.list()) this.#loop.add(cacheKey(set));
      },
    });
  }

  /** Wakes the sets for which the node's change means something. */
  #nodeChanged(node: corev1.Node): void {
    const here = new Set<string>();
    for (const pod of this.#pods.lister.byIndex(BY_NODE, node.metadata.name)) here.add(getControllerOf(pod)?.uid ?? "");
    for (const set of this.#sets.lister.list()) {
      const { run, stay } = this.#placement(set, node);
      const scheduled = here.has(set.metadata.uid);
      if (run === scheduled && stay && set.status.numberMisscheduled === 0) continue;
      if (!run && !scheduled) continue;
      this.#loop.add(cacheKey(set));
    }
  }

  #placement(set: DaemonSet, node: corev1.Node): Placement {
    const known = this.#placements.get(set.spec) ?? new WeakMap<corev1.Node, Placement>();
    this.#placements.set(set.spec, known);
    const placement = known.get(node) ?? placementOn(set, node);
    known.set(node, placement);
    return placement;
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const set = this.#ledger.get(key);
    if (set === undefined) return undefined;
    const selector = selectorFrom(set.spec.selector);
    if (selector.empty) {
      const message = "This daemon set is selecting all pods. A non-empty selector is required.";
      this.#context.events.warning(resources.daemonsets, set, "SelectingAll", message);
      return undefined;
    }
    // Revisions may already be gone while pods are not: nothing sound can be said of a dying set.
    if (set.metadata.deletionTimestamp !== undefined) return undefined;
    const history = await this.#history(set, signal);
    const hash = history.current.metadata.labels?.[REVISION_HASH] ?? "";
    const nodes = new Map<string, Placement>();
    for (const node of this.#nodes.lister.list()) nodes.set(node.metadata.name, this.#placement(set, node));
    const pods = await this.#claimPods(set, signal);
    const plan = planDaemons({
      set,
      nodes,
      pods,
      hash,
      now: this.#context.env.clock.now(),
      failedPodDelay: (node) =>
        this.#failures.next(`${set.metadata.uid}/${set.status.observedGeneration ?? 0}/${node}`),
    });
    const failure = await this.#carryOut(set, plan, hash, signal);
    if (failure === undefined) await this.#cleanUp(set, history.old, signal);
    const after = this.#podsOf(set).filter((pod) => getControllerOf(pod)?.uid === set.metadata.uid);
    const status = daemonStatus({ set, nodes, pods: after, hash, now: this.#context.env.clock.now() });
    await this.#writeStatus(set, status, signal);
    if (failure !== undefined) throw failure;
    const minReady = set.spec.minReadySeconds ?? 0;
    const soon = minReady > 0 && status.numberReady !== (status.numberAvailable ?? 0) ? minReady * 1000 : undefined;
    return plan.checkIn === undefined ? soon : Math.min(plan.checkIn, soon ?? plan.checkIn);
  }

  #podsOf(set: DaemonSet): corev1.Pod[] {
    const { uid, namespace } = set.metadata;
    const { lister } = this.#pods;
    const own = this.#podLedger.view(lister.byIndex(BY_CONTROLLER, uid), uid);
    for (const orphan of lister.byIndex(ORPHANS, namespace)) own.push(this.#podLedger.current(orphan));
    return own;
  }

  #claimPods(set: DaemonSet, signal: AbortSignal): Promise<corev1.Pod[]> {
    return claim(this.#podsOf(set), {
      owner: set,
      ownerKind: KIND,
      selector: selectorFrom(set.spec.selector),
      client: this.#context.client.resource(resources.pods),
      liveOwner: () => this.#client.get(keyOf(set), { signal }),
      onWrite: (pod) => this.#podLedger.wrote(pod),
      signal,
    });
  }

  /** Creates and deletes pods; returns the first failure. */
  async #carryOut(set: DaemonSet, plan: DaemonPlan, hash: string, signal: AbortSignal): Promise<unknown> {
    const { events } = this.#context;
    for (const { pod, node } of plan.ended) {
      const where = `daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node}`;
      if (pod.status.phase === "Failed") {
        events.warning(resources.daemonsets, set, "FailedDaemonPod", `Found failed ${where}, will try to kill it`);
      } else {
        events.normal(
          resources.daemonsets,
          set,
          "SucceededDaemonPod",
          `Found succeeded ${where}, will try to delete it`,
        );
      }
    }
    const targets = plan.create.slice(0, BURST);
    const created = await slowStart(targets.length, async (i) => {
      const template = daemonTemplate(set, hash, targets[i] ?? "");
      await this.#control.create(podFromTemplate(template, set, KIND), set, signal);
    });
    try {
      const remove = plan.remove.slice(0, BURST);
      await forEachBounded(remove, DELETE_CONCURRENCY, (pod) => this.#control.delete(pod, set, signal));
    } catch (error) {
      return created.error ?? error;
    }
    return created.error;
  }

  async #history(set: DaemonSet, signal: AbortSignal): Promise<{ current: Revision; old: Revision[] }> {
    const live = (): Promise<DaemonSet> => this.#client.get(keyOf(set), { signal });
    const all = await this.#revisions.of(set, selectorFrom(set.spec.selector), live, signal);
    const data = templatePatch(set.spec.template);
    const matching = all.filter((revision) => deepEqual(revision.data, data));
    const old = all.filter((revision) => !matching.includes(revision));
    const number = Math.max(0, ...old.map(({ revision }) => revision)) + 1;
    const newest = matching.at(-1);
    if (newest === undefined) return { current: await this.#snapshot(set, data, number, signal), old };
    for (const duplicate of matching.slice(0, -1)) await this.#mergeRevision(set, duplicate, newest, signal);
    if (newest.revision >= number) return { current: newest, old };
    return { current: await this.#revisions.update({ ...newest, revision: number }, signal), old };
  }

  async #snapshot(set: DaemonSet, data: unknown, revision: number, signal: AbortSignal): Promise<Revision> {
    const hash = stableHash(set.spec.template, set.status.collisionCount);
    const labels = { ...set.spec.template.metadata?.labels, [REVISION_HASH]: hash };
    const draft = newRevision(set, KIND, { name: `${set.metadata.name}-${hash}`, labels, data, revision });
    const created = await this.#revisions.create(draft, signal);
    if (created !== undefined) return created;
    const collisionCount = (set.status.collisionCount ?? 0) + 1;
    await this.#writeStatus(set, { ...set.status, collisionCount }, signal);
    throw new Error(`the name ${set.metadata.name}-${hash} is taken by another revision, will try another hash`);
  }

  /** Pods of a revision that says the same as another are relabeled, and the revision goes. */
  async #mergeRevision(set: DaemonSet, duplicate: Revision, kept: Revision, signal: AbortSignal): Promise<void> {
    const [from, to] = [duplicate, kept].map((revision) => revision.metadata.labels?.[REVISION_HASH]);
    const pods = this.#context.client.resource(resources.pods);
    for (const pod of this.#podsOf(set)) {
      if (getControllerOf(pod)?.uid !== set.metadata.uid || pod.metadata.labels?.[REVISION_HASH] !== from) continue;
      const body = { metadata: { labels: { [REVISION_HASH]: to } } };
      this.#podLedger.wrote(await pods.patch(keyOf(pod), { type: "merge", body }, { signal }));
    }
    await this.#revisions.delete(duplicate, signal);
  }

  /** Deletes the oldest revisions beyond the limit that no pod is of. */
  async #cleanUp(set: DaemonSet, old: readonly Revision[], signal: AbortSignal): Promise<void> {
    let surplus = old.length - (set.spec.revisionHistoryLimit ?? 10);
    if (surplus <= 0) return;
    const live = new Set(this.#podsOf(set).map((pod) => pod.metadata.labels?.[REVISION_HASH]));
    for (const revision of old) {
      if (surplus <= 0) return;
      if (live.has(revision.metadata.labels?.[REVISION_HASH])) continue;
      await this.#revisions.delete(revision, signal);
      surplus--;
    }
  }

  async #writeStatus(set: DaemonSet, status: appsv1.DaemonSetStatus, signal: AbortSignal): Promise<void> {
    if (deepEqual(set.status, status)) return;
    try {
      this.#ledger.wrote(await this.#client.update({ ...set, status }, { subresource: "status", signal }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
