import { apiVersionOf, type metav1, type Resource } from "../../api/index.ts";
import { type AnyObject, type Client, metadataOnly } from "../../client/index.ts";
import { type Component, LruMap } from "../../kit/index.ts";
import { isConflict, isNotFound } from "../../machinery/index.ts";
import { forEachBounded } from "../common/bounded.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { describe, FOREGROUND, Graph, type GraphChange, type GraphNode, ORPHAN, refersTo } from "./graph.ts";
import { Monitors } from "./monitors.ts";
import { judge, type OwnerState, type Verdict } from "./plan.ts";

const WORKERS = 20;
const ORPHAN_CONCURRENCY = 20;
const ABSENT_REMEMBERED = 500;

/** An object refers to an owner that it may not have: no retry will change that. */
class ImpossibleOwner extends Error {}

/**
 * Deletes what has lost its owners, lets owners wait for their dependents (foreground), and cuts dependents loose (orphan). What is to
 * be deleted is always judged on live objects: the graph only says what to look at.
 */
export class GarbageCollector implements Component {
  readonly name: string;
  readonly #context: ControllerContext;
  readonly #metadata: Client;
  readonly #graph = new Graph();
  readonly #monitors: Monitors;
  readonly #deletions: Loop;
  readonly #orphanings: Loop;
  /** Owners known not to exist; a uid never comes back. */
  readonly #absent = new LruMap<string, true>(ABSENT_REMEMBERED);

  constructor(context: ControllerContext) {
    this.name = context.name;
    this.#context = context;
    this.#metadata = metadataOnly(context.client);
    this.#monitors = new Monitors(context, {
      observed: (resource, object) => this.#react(this.#graph.observe(resource, object)),
      removed: (_resource, { metadata }) => this.#react(this.#graph.remove(metadata.uid)),
      complete: () => this.#react(this.#graph.complete()),
    });
    this.#deletions = this.#loop("attempt-to-delete", (uid, signal) => this.#attemptToDelete(uid, signal));
    this.#orphanings = this.#loop("attempt-to-orphan", (uid, signal) => this.#attemptToOrphan(uid, signal));
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#monitors, this.#deletions, this.#orphanings].map((part) => part.run(signal)));
  }

  #loop(name: string, reconcile: (uid: string, signal: AbortSignal) => Promise<number | void>): Loop {
    const { env } = this.#context;
    return new Loop({ context: { name: `${this.name}-${name}`, env }, workers: WORKERS, informers: [], reconcile });
  }

  #react(change: GraphChange): void {
    for (const uid of change.attemptToDelete) this.#deletions.add(uid);
    for (const uid of change.attemptToOrphan) this.#orphanings.add(uid);
    for (const { dependent, owner } of change.misplaced) this.#tellMisplaced(dependent, owner);
  }

  #tellMisplaced(dependent: GraphNode, owner: metav1.OwnerReference): void {
    const { resource, namespace, name, uid } = dependent;
    const what = `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}]`;
    const metadata = { name, namespace, uid, resourceVersion: "", creationTimestamp: "" };
    const message = `ownerRef ${what} does not exist in namespace ${JSON.stringify(namespace)}`;
    this.#context.events.warning(resource, { metadata }, "OwnerRefInvalidNamespace", message);
  }

  async #attemptToDelete(uid: string, signal: AbortSignal): Promise<number | void> {
    const node = this.#graph.node(uid);
    if (node === undefined || (node.beingDeleted && !node.deletingDependents)) return;
    if (node.deletingDependents) return this.#letGo(node, signal);
    if (node.owners.length === 0) return;
    const object = await this.#live(node, signal);
    if (object === undefined) return;
    try {
      const { owners, unseen } = await this.#classify(node, object, signal);
      const dependents = [...this.#graph.dependents(uid)];
      const verdict = judge({
        object,
        owners,
        hasDependents: dependents.length > 0,
        dependentWaits: dependents.some((dependent) => dependent.deletingDependents),
      });
      await this.#carryOut(verdict, node, object, signal);
      // An owner that exists and was not seen yet may go before it is: its end would pass unnoticed.
      if (unseen && verdict.kind === "keep") throw new Error(`an owner of ${describe(node)} has not been seen yet`);
    } catch (error) {
      if (!(error instanceof ImpossibleOwner)) throw error;
    }
  }

  async #carryOut(verdict: Verdict, node: GraphNode, object: AnyObject, signal: AbortSignal): Promise<void> {
    const owners = object.metadata.ownerReferences ?? [];
    if (verdict.kind === "release") {
      const ownerReferences = owners.filter((owner) => !verdict.drop.has(owner.uid));
      await this.#patch(node, object, { ownerReferences }, signal);
    } else if (verdict.kind === "delete") {
      if (!verdict.unblock) return this.#delete(node, object, verdict.policy, signal);
      const ownerReferences = owners.map((owner) => ({ ...owner, blockOwnerDeletion: false }));
      const unblocked = await this.#patch(node, object, { ownerReferences }, signal);
      await this.#delete(node, unblocked ?? object, verdict.policy, signal);
    }
  }

  /** An owner in foreground deletion goes when nothing blocks it any more; until then its dependents are hurried on. */
  async #letGo(node: GraphNode, signal: AbortSignal): Promise<void> {
    const blocking = this.#graph.blockingDependents(node.uid);
    if (blocking.length === 0) return this.#removeFinalizer(node, FOREGROUND, signal);
    for (const dependent of blocking) if (!dependent.deletingDependents) this.#deletions.add(dependent.uid);
  }

  async #attemptToOrphan(uid: string, signal: AbortSignal): Promise<void> {
    const owner = this.#graph.node(uid);
    if (owner === undefined) return;
    await forEachBounded([...this.#graph.dependents(uid)], ORPHAN_CONCURRENCY, async (dependent) => {
      const object = await this.#live(dependent, signal);
      const before = object?.metadata.ownerReferences ?? [];
      const ownerReferences = before.filter((reference) => reference.uid !== uid);
      if (object === undefined || ownerReferences.length === before.length) return;
      await this.#patch(dependent, object, { ownerReferences }, signal);
    });
    await this.#removeFinalizer(owner, ORPHAN, signal);
  }

  async #classify(
    node: GraphNode,
    object: AnyObject,
    signal: AbortSignal,
  ): Promise<{ owners: { reference: metav1.OwnerReference; state: OwnerState }[]; unseen: boolean }> {
    const owners: { reference: metav1.OwnerReference; state: OwnerState }[] = [];
    let unseen = false;
    for (const reference of object.metadata.ownerReferences ?? []) {
      const seen = this.#graph.node(reference.uid);
      // Believing the graph is safe only where it says "keep": when the owner goes, the object is looked at again.
      const trusted = seen !== undefined && refersTo(reference, node, seen) && !seen.deletingDependents;
      const state = trusted ? "solid" : await this.#stateOf(reference, node, signal);
      if (state === "solid" && seen === undefined) unseen = true;
      owners.push({ reference, state });
    }
    return { owners, unseen };
  }

  /** Asks the server about an owner. */
  async #stateOf(reference: metav1.OwnerReference, node: GraphNode, signal: AbortSignal): Promise<OwnerState> {
    const resource = this.#monitors.resourceOf(reference.apiVersion, reference.kind);
    if (resource === undefined) {
      throw new Error(
        `no resource is known for kind ${reference.kind} of ${reference.apiVersion}, owner of ${describe(node)}`,
      );
    }
    if (resource.namespaced && node.namespace === "") throw new ImpossibleOwner();
    const namespace = resource.namespaced ? node.namespace : "";
    const key = [reference.apiVersion, reference.kind, namespace, reference.name, reference.uid].join(" ");
    if (this.#absent.get(key) === true) return "dangling";
    const owner = await this.#find(resource, namespace, reference.name, signal);
    if (owner?.metadata.uid !== reference.uid) {
      this.#absent.set(key, true);
      return "dangling";
    }
    const { deletionTimestamp, finalizers = [] } = owner.metadata;
    return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND) ? "waiting" : "solid";
  }

  /** The object as the server has it; `undefined` when it is gone, which the monitors will tell in time. */
  async #live(node: GraphNode, signal: AbortSignal): Promise<AnyObject | undefined> {
    const object = await this.#find(node.resource, node.namespace, node.name, signal);
    return object?.metadata.uid === node.uid ? object : undefined;
  }

  async #find(
    resource: Resource<AnyObject>,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<AnyObject | undefined> {
    try {
      const key = namespace === "" ? { name } : { namespace, name };
      return await this.#metadata.resource(resource).get(key, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #delete(
    node: GraphNode,
    object: AnyObject,
    propagationPolicy: "Background" | "Foreground" | "Orphan",
    signal: AbortSignal,
  ): Promise<void> {
    const { uid, resourceVersion } = object.metadata;
    const { resource, namespace, name } = node;
    const key = namespace === "" ? { name } : { namespace, name };
    try {
      // The version too: an owner may have been added since we looked.
      const preconditions = { uid, resourceVersion };
      await this.#context.client.resource(resource).delete(key, { propagationPolicy, preconditions, signal });
      this.#context.env.log.debug("Deleted object without owners", {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        ...key,
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #removeFinalizer(node: GraphNode, finalizer: string, signal: AbortSignal): Promise<void> {
    const object = await this.#live(node, signal);
    const { finalizers = [] } = object?.metadata ?? {};
    if (object === undefined || !finalizers.includes(finalizer)) return;
    await this.#patch(node, object, { finalizers: finalizers.filter((f) => f !== finalizer) }, signal);
  }

  /** Sets a metadata list to what it should be, provided that the object is still as it was read. */
  async #patch(
    node: GraphNode,
    object: AnyObject,
    change: { readonly ownerReferences?: unknown; readonly finalizers?: unknown },
    signal: AbortSignal,
  ): Promise<AnyObject | undefined> {
    const { resource, namespace, name } = node;
    const key = namespace === "" ? { name } : { namespace, name };
    const { uid, resourceVersion } = object.metadata;
    const body = { metadata: { uid, resourceVersion, ...change } };
    try {
      return await this.#context.client.resource(resource).patch(key, { type: "merge", body }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (isConflict(error))
        this.#context.env.log.debug("Object changed before its owners did", { object: describe(node) });
      throw error;
    }
  }
}
