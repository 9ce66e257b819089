import type { PodInfo } from "../cache/pod-info.ts";

/** What is to become of a pod's nomination: nothing, or this node (empty: none). */
export type Nomination = { readonly node: string } | undefined;

const NONE: readonly PodInfo[] = Object.freeze([]);

/**
 * Pods that were promised a node but do not have it yet, because others must leave first. Knows nominations before the server does,
 * and keeps them when an update from the server comes that does not yet have them.
 */
export class Nominator {
  readonly #byNode = new Map<string, PodInfo[]>();
  readonly #byPod = new Map<string, string>();

  /** How many pods are nominated. */
  get size(): number {
    return this.#byPod.size;
  }

  /** The nodes that have nominated pods. */
  get nodes(): Iterable<string> {
    return this.#byNode.keys();
  }

  on(node: string): readonly PodInfo[] {
    return this.#byNode.get(node) ?? NONE;
  }

  nodeOf(uid: string): string | undefined {
    return this.#byPod.get(uid);
  }

  /** Nominates as told, or as the pod's own status says. */
  add(info: PodInfo, nomination: Nomination): void {
    this.delete(info.uid);
    const node = nomination ? nomination.node : (info.pod.status?.nominatedNodeName ?? "");
    if (node === "" || info.pod.spec.nodeName) return;
    this.#byPod.set(info.uid, node);
    const pods = this.#byNode.get(node);
    if (pods) pods.push(info);
    else this.#byNode.set(node, [info]);
  }

  /** The pod changed from `before` to `after`. */
  update(before: PodInfo, after: PodInfo): void {
    const silent = !before.pod.status?.nominatedNodeName && !after.pod.status?.nominatedNodeName;
    const kept = silent ? this.#byPod.get(before.uid) : undefined;
    this.delete(before.uid);
    this.add(after, kept === undefined ? undefined : { node: kept });
  }

  delete(uid: string): void {
    const node = this.#byPod.get(uid);
    if (node === undefined) return;
    this.#byPod.delete(uid);
    const rest = (this.#byNode.get(node) ?? []).filter((info) => info.uid !== uid);
    if (rest.length > 0) this.#byNode.set(node, rest);
    else this.#byNode.delete(node);
  }
}
