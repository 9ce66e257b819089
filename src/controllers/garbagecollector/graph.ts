import type { metav1, Resource } from "../../api/index.ts";
import { apiVersionOf } from "../../api/index.ts";
import type { AnyObject } from "../../client/index.ts";

/** Keeps an owner until its blocking dependents are gone. */
export const FOREGROUND = "foregroundDeletion";
/** Keeps an owner until its dependents have forgotten it. */
export const ORPHAN = "orphan";

/** An object that was seen: where it is, whom it belongs to, and whether it is going. */
export interface GraphNode {
  readonly uid: string;
  readonly resource: Resource<AnyObject>;
  readonly namespace: string;
  readonly name: string;
  readonly owners: readonly metav1.OwnerReference[];
  readonly beingDeleted: boolean;
  /** Going in the foreground: waits for its dependents. */
  readonly deletingDependents: boolean;
  /** Going with its dependents to be left behind. */
  readonly orphaning: boolean;
}

/** What a change of the graph asks for: uids to look at. */
export interface GraphChange {
  readonly attemptToDelete: Set<string>;
  readonly attemptToOrphan: Set<string>;
  /** Dependents whose owner lives in another namespace than they do. */
  readonly misplaced: { readonly dependent: GraphNode; readonly owner: metav1.OwnerReference }[];
}

/** Whether a reference names the object with all its coordinates, its namespace included. */
export function refersTo(reference: metav1.OwnerReference, from: GraphNode, owner: GraphNode): boolean {
  return (
    reference.uid === owner.uid &&
    reference.name === owner.name &&
    reference.kind === owner.resource.kind &&
    groupOf(reference.apiVersion) === owner.resource.group &&
    (owner.namespace === "" || owner.namespace === from.namespace)
  );
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/**
 * Who belongs to whom, over all resources. Edges are kept by uid, so a dependent may be seen before its owner. Every
 * change says which objects to look at again; deciding is done on live state, elsewhere.
 */
export class Graph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();
  #complete = false;

  get size(): number {
    return this.#nodes.size;
  }

  node(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** Those that name `uid` among their owners. */
  *dependents(uid: string): Generator<GraphNode> {
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const node = this.#nodes.get(dependent);
      if (node !== undefined) yield node;
    }
  }

  /** Dependents that the owner's foreground deletion waits for. */
  blockingDependents(uid: string): GraphNode[] {
    return [...this.dependents(uid)].filter((node) =>
      node.owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
  }

  /** To be called once everything has been seen for the first time: from then on an unseen owner is worth a look. */
  complete(): GraphChange {
    this.#complete = true;
    const change = emptyChange();
    for (const [uid, dependents] of this.#dependents) {
      if (this.#nodes.has(uid)) continue;
      for (const dependent of dependents) change.attemptToDelete.add(dependent);
    }
    return change;
  }

  /** Notes an object that appeared or changed. */
  observe(resource: Resource<AnyObject>, object: AnyObject): GraphChange {
    const change = emptyChange();
    const node = nodeOf(resource, object);
    const before = this.#nodes.get(node.uid);
    this.#nodes.set(node.uid, node);
    this.#linkOwners(node, before, change);
    if (before === undefined) this.#checkDependents(node, change);
    if (before !== undefined) unblock(before, node, change);
    if (node.orphaning && before?.orphaning !== true) change.attemptToOrphan.add(node.uid);
    else if (node.deletingDependents && before?.deletingDependents !== true) {
      change.attemptToDelete.add(node.uid);
      for (const dependent of this.#dependents.get(node.uid) ?? []) change.attemptToDelete.add(dependent);
    }
    return change;
  }

  /** Notes that an object is gone. */
  remove(uid: string): GraphChange {
    const change = emptyChange();
    const node = this.#nodes.get(uid);
    if (node === undefined) return change;
    this.#nodes.delete(uid);
    for (const owner of node.owners) {
      this.#unlink(owner.uid, uid);
      if (this.#nodes.get(owner.uid)?.deletingDependents === true) change.attemptToDelete.add(owner.uid);
    }
    for (const dependent of this.#dependents.get(uid) ?? []) change.attemptToDelete.add(dependent);
    return change;
  }

  #linkOwners(node: GraphNode, before: GraphNode | undefined, change: GraphChange): void {
    const kept = new Set(node.owners.map((owner) => owner.uid));
    for (const owner of before?.owners ?? []) if (!kept.has(owner.uid)) this.#unlink(owner.uid, node.uid);
    for (const reference of node.owners) {
      const siblings = this.#dependents.get(reference.uid);
      if (siblings === undefined) this.#dependents.set(reference.uid, new Set([node.uid]));
      else if (siblings.has(node.uid)) continue;
      else siblings.add(node.uid);
      const owner = this.#nodes.get(reference.uid);
      if (owner === undefined) {
        if (this.#complete) change.attemptToDelete.add(node.uid);
      } else this.#compare(reference, node, owner, change);
    }
  }

  /** An owner came into sight: its dependents' references can be checked against it. */
  #checkDependents(owner: GraphNode, change: GraphChange): void {
    for (const dependent of this.dependents(owner.uid)) {
      for (const reference of dependent.owners) {
        if (reference.uid === owner.uid) this.#compare(reference, dependent, owner, change);
      }
    }
  }

  #compare(reference: metav1.OwnerReference, dependent: GraphNode, owner: GraphNode, change: GraphChange): void {
    if (refersTo(reference, dependent, owner)) return;
    change.attemptToDelete.add(dependent.uid);
    if (owner.namespace !== "" && owner.namespace !== dependent.namespace) {
      change.misplaced.push({ dependent, owner: reference });
    }
  }

  #unlink(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(dependent);
    if (dependents?.size === 0) this.#dependents.delete(owner);
  }
}

function emptyChange(): GraphChange {
  return { attemptToDelete: new Set(), attemptToOrphan: new Set(), misplaced: [] };
}

/** An owner whose blocking reference went away, or blocks no longer, may be free to go. */
function unblock(before: GraphNode, after: GraphNode, change: GraphChange): void {
  for (const reference of before.owners) {
    if (reference.blockOwnerDeletion !== true) continue;
    const now = after.owners.find((owner) => owner.uid === reference.uid);
    if (now?.blockOwnerDeletion !== true) change.attemptToDelete.add(reference.uid);
  }
}

function nodeOf(resource: Resource<AnyObject>, { metadata }: AnyObject): GraphNode {
  const { uid, name, namespace = "", ownerReferences = [], finalizers = [] } = metadata;
  const beingDeleted = metadata.deletionTimestamp !== undefined;
  return {
    uid,
    resource,
    namespace,
    name,
    owners: ownerReferences,
    beingDeleted,
    deletingDependents: beingDeleted && finalizers.includes(FOREGROUND),
    orphaning: beingDeleted && finalizers.includes(ORPHAN),
  };
}

/** How upstream's messages print an object. */
export function describe(node: GraphNode): string {
  const { resource, namespace, name, uid } = node;
  return `[${apiVersionOf(resource)}/${resource.kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
}
