import type { corev1 } from "../../api/index.ts";
import { PodCounters } from "../counters/pod-counters.ts";
import { NamespaceLabels } from "./namespace-labels.ts";
import { NodeColumns } from "./node-columns.ts";
import { NodeMasks } from "./node-masks.ts";
import { type PodInfo, PodReader } from "./pod-info.ts";

interface Assumed {
  readonly info: PodInfo;
  readonly node: string;
  /** When the assumption is doubted, monotonic ms; undefined while the binding is under way. */
  deadline: number | undefined;
}

/**
 * What the scheduler knows of nodes and of the pods on them: bound ones as the server says, and assumed ones, which were given a
 * node but not yet seen to be bound. An assumed pod counts like a bound one until it is confirmed or forgotten.
 */
export class ClusterCache {
  readonly reader = new PodReader();
  readonly nodes = new NodeColumns(this.reader.resources);
  readonly masks = new NodeMasks(this.nodes);
  readonly namespaces = new NamespaceLabels();
  readonly counters = new PodCounters(this.nodes, this.namespaces);
  readonly #pods = new Map<string, PodInfo>();
  readonly #assumed = new Map<string, Assumed>();

  /** How many pods have a node, assumed ones included. */
  get podCount(): number {
    return this.#pods.size;
  }

  setNode(node: corev1.Node): void {
    this.nodes.setNode(node);
  }

  removeNode(name: string): void {
    this.nodes.removeNode(name);
  }

  /** A pod that has a node, by UID. */
  pod(uid: string): PodInfo | undefined {
    return this.#pods.get(uid);
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  /** The node a pod is assumed to go to. */
  assumedNode(uid: string): string | undefined {
    return this.#assumed.get(uid)?.node;
  }

  /** Counts a pod in on `node` before the server knows. False when it has a node already. */
  assume(info: PodInfo, node: string): boolean {
    if (this.#pods.has(info.uid)) return false;
    this.#place(info, node);
    this.#assumed.set(info.uid, { info, node, deadline: undefined });
    return true;
  }

  /** The binding went out well: from `deadline` on (monotonic ms), not having seen it bound is suspicious. */
  finishBinding(uid: string, deadline: number): void {
    const assumed = this.#assumed.get(uid);
    if (assumed) assumed.deadline = deadline;
  }

  /** Takes an assumption back. False when there was none, because it was confirmed or the pod is gone. */
  forget(uid: string): boolean {
    const assumed = this.#assumed.get(uid);
    if (!assumed) return false;
    this.#assumed.delete(uid);
    this.#take(assumed.info);
    return true;
  }

  /** Assumed pods that should have been seen bound by now. */
  overdue(now: number): PodInfo[] {
    const found: PodInfo[] = [];
    for (const { info, deadline } of this.#assumed.values()) {
      if (deadline !== undefined && deadline <= now) found.push(info);
    }
    return found;
  }

  /** The server says that a pod has a node. Confirms an assumption; the server is right when they differ. */
  setPod(pod: corev1.Pod): void {
    const node = pod.spec.nodeName;
    if (!node) return;
    const known = this.#pods.get(pod.metadata.uid);
    this.#assumed.delete(pod.metadata.uid);
    if (known && this.nodes.name(known.slot) === node && this.#countsTheSame(known, pod)) {
      known.pod = pod;
      return;
    }
    if (known) this.#take(known);
    this.#place(this.reader.read(pod), node);
  }

  /** A pod is gone, or has ended. */
  removePod(uid: string): void {
    const known = this.#pods.get(uid);
    if (!known) return;
    this.#assumed.delete(uid);
    this.#take(known);
  }

  /** What-if: a pod is not there. Undone by {@link restore}, in any order, before anything else happens. Returns its slot. */
  withdraw(info: PodInfo): number {
    const { slot } = info;
    this.counters.change(info, slot, -1);
    this.nodes.removePod(info);
    return slot;
  }

  /** What-if: a pod is there. Undone by {@link withdraw}. */
  restore(info: PodInfo, slot: number): void {
    this.nodes.addPod(slot, info);
    this.counters.change(info, slot, 1);
  }

  #place(info: PodInfo, node: string): void {
    this.#pods.set(info.uid, info);
    this.restore(info, this.nodes.slotFor(node));
  }

  #take(info: PodInfo): void {
    this.#pods.delete(info.uid);
    this.nodes.releaseIfUnused(this.withdraw(info));
  }

  /** Most changes of running pods (status, annotations) change nothing that is counted. */
  #countsTheSame(known: PodInfo, pod: corev1.Pod): boolean {
    const before = known.pod;
    if (known.terminating !== (pod.metadata.deletionTimestamp !== undefined)) return false;
    if (this.reader.labelsOf(pod.metadata.namespace, pod.metadata.labels ?? {}) !== known.labels) return false;
    return sameContainers(before, pod);
  }
}

/** Whether nothing of what {@link PodReader} reads of containers and their resize status differs. */
function sameContainers(a: corev1.Pod, b: corev1.Pod): boolean {
  const of = ({ spec, status }: corev1.Pod): unknown => [
    spec.containers.map((c) => c.resources?.requests),
    spec.initContainers?.map((c) => c.resources?.requests),
    spec.resources?.requests,
    status?.containerStatuses?.map((c) => [c.resources?.requests, c.allocatedResources]),
    status?.conditions?.find((c) => c.type === "PodResizePending")?.reason,
  ];
  if (a.spec === b.spec && !hasResizeStatus(a) && !hasResizeStatus(b)) return true;
  return JSON.stringify(of(a)) === JSON.stringify(of(b));
}

function hasResizeStatus({ status }: corev1.Pod): boolean {
  return status?.containerStatuses?.some((c) => c.resources !== undefined) === true;
}
