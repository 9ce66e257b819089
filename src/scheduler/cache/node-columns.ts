import type { corev1 } from "../../api/index.ts";
import { ChangeLog } from "./change-log.ts";
import { growFloat64, growInt32, growUint8 } from "./grow.ts";
import { UsedPorts } from "./host-ports.ts";
import { ImageIndex } from "./image-index.ts";
import { LabelColumn } from "./label-columns.ts";
import { NodeView } from "./node-view.ts";
import type { PodInfo } from "./pod-info.ts";
import type { ResourceReader } from "./resource-amounts.ts";
import { TaintSets } from "./taint-sets.ts";

const FIRST_CAPACITY = 64;

/**
 * All nodes as columns: a node has a slot, and what the scheduler asks of it lies at that index of typed arrays. A slot may be
 * held by pods alone, when their node is not known (yet); only `live` ones have a node. The arrays are replaced when
 * the table grows: read them anew in each cycle. Only the cache writes; plugins read.
 */
export class NodeColumns {
  readonly resources: ResourceReader;
  readonly taints = new TaintSets();
  readonly images = new ImageIndex();
  /** Slots whose labels, taints, readiness or existence changed. */
  readonly topology = new ChangeLog();
  /** Slots whose pods or resources changed as well. */
  readonly changes = new ChangeLog();

  live = new Uint8Array(FIRST_CAPACITY);
  unschedulable = new Uint8Array(FIRST_CAPACITY);
  taintSet = new Int32Array(FIRST_CAPACITY);
  podsAllowed = new Int32Array(FIRST_CAPACITY);
  podCount = new Int32Array(FIRST_CAPACITY);
  nonZeroCpu = new Float64Array(FIRST_CAPACITY);
  nonZeroMemory = new Float64Array(FIRST_CAPACITY);
  readonly #allocatable: Float64Array[] = [];
  readonly #requested: Float64Array[] = [];
  readonly #labels = new Map<string, LabelColumn>();

  readonly #slots = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #nodes: (corev1.Node | undefined)[] = [];
  readonly #pods: PodInfo[][] = [];
  readonly #ports = new Map<number, UsedPorts>();
  readonly #views: (NodeView | undefined)[] = [];
  readonly #free: number[] = [];
  #capacity = FIRST_CAPACITY;
  #count = 0;
  #unschedulableCount = 0;
  #order: Int32Array | undefined;

  constructor(resources: ResourceReader) {
    this.resources = resources;
  }

  /** How many nodes there are. */
  get count(): number {
    return this.#count;
  }

  /** How many of them are cordoned. */
  get unschedulableCount(): number {
    return this.#unschedulableCount;
  }

  /** Arrays by slot are this long. */
  get capacity(): number {
    return this.#capacity;
  }

  /** The slots of all nodes, in order. Shared: copy before changing. */
  get order(): Int32Array {
    if (!this.#order) {
      const order = new Int32Array(this.#count);
      let n = 0;
      for (let slot = 0; slot < this.#names.length; slot++) if (this.live[slot] === 1) order[n++] = slot;
      this.#order = order;
    }
    return this.#order;
  }

  /** The slot of a node that exists. */
  find(name: string): number | undefined {
    const slot = this.#slots.get(name);
    return slot !== undefined && this.live[slot] === 1 ? slot : undefined;
  }

  name(slot: number): string {
    return this.#names[slot] ?? "";
  }

  node(slot: number): corev1.Node | undefined {
    return this.#nodes[slot];
  }

  /** The pods counted there, assumed ones included. */
  pods(slot: number): readonly PodInfo[] {
    return this.#pods[slot] ?? [];
  }

  ports(slot: number): UsedPorts | undefined {
    return this.#ports.get(slot);
  }

  /** Whether any pod has a host port anywhere. */
  get hasPorts(): boolean {
    return this.#ports.size > 0;
  }

  /** One node as an object, for plugins that look at nodes one by one. */
  view(slot: number): NodeView {
    return (this.#views[slot] ??= new NodeView(this, slot));
  }

  allocatable(resource: number): Float64Array {
    return (this.#allocatable[resource] ??= new Float64Array(this.#capacity));
  }

  requested(resource: number): Float64Array {
    return (this.#requested[resource] ??= new Float64Array(this.#capacity));
  }

  /** The column of a label key; made when first asked for, and kept up from then on. */
  label(key: string): LabelColumn {
    let column = this.#labels.get(key);
    if (!column) {
      column = new LabelColumn(key, this.#capacity);
      this.#labels.set(key, column);
      for (const slot of this.order) column.set(slot, this.#nodes[slot]?.metadata.labels?.[key]);
    }
    return column;
  }

  /** The slot for a name, made if need be. */
  slotFor(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#free.pop() ?? this.#names.length;
    if (slot >= this.#capacity) this.#grow();
    this.#slots.set(name, slot);
    this.#names[slot] = name;
    this.#pods[slot] = [];
    return slot;
  }

  /** Puts a node in, or a newer state of it. Returns its slot. */
  setNode(node: corev1.Node): number {
    const slot = this.slotFor(node.metadata.name);
    const before = this.#nodes[slot];
    this.#nodes[slot] = node;
    if (!before) {
      this.live[slot] = 1;
      this.#count++;
      this.#order = undefined;
    }
    const moved = this.#setTopology(slot, node, before);
    this.#setAllocatable(slot, node.status?.allocatable);
    this.images.set(slot, node.status?.images);
    if (moved) this.topology.add(slot);
    this.changes.add(slot);
    return slot;
  }

  /** Takes a node out; its slot stays as long as pods hold it. */
  removeNode(name: string): void {
    const slot = this.find(name);
    if (slot === undefined) return;
    this.#nodes[slot] = undefined;
    this.live[slot] = 0;
    this.#count--;
    this.#order = undefined;
    for (const column of this.#labels.values()) column.set(slot, undefined);
    this.taints.release(this.taintSet[slot] as number);
    this.taintSet[slot] = 0;
    this.#setUnschedulable(slot, false);
    this.#setAllocatable(slot, undefined);
    this.images.set(slot, undefined);
    this.topology.add(slot);
    this.changes.add(slot);
    this.#release(slot);
  }

  /** Counts a pod in. */
  addPod(slot: number, pod: PodInfo): void {
    const pods = this.#pods[slot] as PodInfo[];
    pod.slot = slot;
    pod.place = pods.length;
    pods.push(pod);
    this.#tally(slot, pod, 1);
  }

  /** Counts a pod out of where it is. */
  removePod(pod: PodInfo): void {
    const { slot, place } = pod;
    const pods = this.#pods[slot] as PodInfo[];
    const last = pods.pop() as PodInfo;
    if (last !== pod) {
      pods[place] = last;
      last.place = place;
    }
    pod.slot = -1;
    pod.place = -1;
    this.#tally(slot, pod, -1);
  }

  /** Gives a slot free that nobody holds any more. To be called after pods were taken out for good. */
  releaseIfUnused(slot: number): void {
    if (this.live[slot] === 0) this.#release(slot);
  }

  #tally(slot: number, pod: PodInfo, sign: 1 | -1): void {
    for (const [resource, amount] of pod.requests) {
      const column = this.requested(resource);
      column[slot] = (column[slot] as number) + sign * amount;
    }
    this.podCount[slot] = (this.podCount[slot] as number) + sign;
    this.nonZeroCpu[slot] = (this.nonZeroCpu[slot] as number) + sign * pod.nonZeroCpu;
    this.nonZeroMemory[slot] = (this.nonZeroMemory[slot] as number) + sign * pod.nonZeroMemory;
    if (pod.ports.length > 0) this.#countPorts(slot, pod, sign);
    this.changes.add(slot);
  }

  #countPorts(slot: number, pod: PodInfo, sign: 1 | -1): void {
    let used = this.#ports.get(slot);
    if (!used) this.#ports.set(slot, (used = new UsedPorts()));
    for (const port of pod.ports) used.change(port, sign);
    if (used.size === 0) this.#ports.delete(slot);
  }

  /** Returns whether anything changed. */
  #setTopology(slot: number, node: corev1.Node, before: corev1.Node | undefined): boolean {
    const labels = node.metadata.labels;
    let moved = before === undefined || !sameLabels(before.metadata.labels, labels);
    if (moved) for (const column of this.#labels.values()) column.set(slot, labels?.[column.key]);
    const old = this.taintSet[slot] as number;
    const taints = this.taints.use(node.spec?.taints);
    this.taints.release(old);
    moved ||= taints !== old;
    this.taintSet[slot] = taints;
    return this.#setUnschedulable(slot, node.spec?.unschedulable === true) || moved;
  }

  #setUnschedulable(slot: number, to: boolean): boolean {
    const value = to ? 1 : 0;
    if (this.unschedulable[slot] === value) return false;
    this.unschedulable[slot] = value;
    this.#unschedulableCount += to ? 1 : -1;
    return true;
  }

  #setAllocatable(slot: number, list: Readonly<Record<string, string>> | undefined): void {
    const amounts = this.resources.read(list);
    for (const id of amounts.keys()) this.allocatable(id);
    for (let id = 0; id < this.#allocatable.length; id++) {
      const column = this.#allocatable[id];
      if (column) column[slot] = amounts.get(id) ?? 0;
    }
    const pods = list?.["pods"];
    this.podsAllowed[slot] = pods === undefined ? 0 : this.resources.whole(pods);
  }

  #release(slot: number): void {
    if (this.live[slot] === 1 || (this.#pods[slot]?.length ?? 0) > 0) return;
    const name = this.name(slot);
    if (this.#slots.get(name) !== slot) return;
    this.#slots.delete(name);
    this.#names[slot] = "";
    this.#views[slot] = undefined;
    this.#free.push(slot);
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    this.#capacity = capacity;
    this.live = growUint8(this.live, capacity);
    this.unschedulable = growUint8(this.unschedulable, capacity);
    this.taintSet = growInt32(this.taintSet, capacity);
    this.podsAllowed = growInt32(this.podsAllowed, capacity);
    this.podCount = growInt32(this.podCount, capacity);
    this.nonZeroCpu = growFloat64(this.nonZeroCpu, capacity);
    this.nonZeroMemory = growFloat64(this.nonZeroMemory, capacity);
    for (const columns of [this.#allocatable, this.#requested]) {
      for (const [id, column] of columns.entries()) if (column) columns[id] = growFloat64(column, capacity);
    }
    for (const column of this.#labels.values()) column.grow(capacity);
  }
}

function sameLabels(
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean {
  if (a === b) return true;
  const [from, to] = [a ?? {}, b ?? {}];
  const keys = Object.keys(from);
  return keys.length === Object.keys(to).length && keys.every((key) => from[key] === to[key]);
}
