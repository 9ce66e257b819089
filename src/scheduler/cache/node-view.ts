import type { corev1 } from "../../api/index.ts";
import type { UsedPorts } from "./host-ports.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Amounts } from "./resource-amounts.ts";
import type { LabelColumn } from "./label-columns.ts";

/** The part of the columns that a view reads. */
interface Columns {
  name(slot: number): string;
  node(slot: number): corev1.Node | undefined;
  pods(slot: number): readonly PodInfo[];
  ports(slot: number): UsedPorts | undefined;
  allocatable(resource: number): Float64Array;
  requested(resource: number): Float64Array;
  label(key: string): LabelColumn;
  readonly resources: { idOf(name: string): number | undefined };
  readonly podsAllowed: Int32Array;
}

/**
 * One node, read through the columns: what it says is always the present state, what-ifs of preemption included. Cheap, made
 * once a node; do not keep one beyond the scheduling cycle.
 */
export class NodeView {
  readonly slot: number;
  readonly #columns: Columns;

  constructor(columns: Columns, slot: number) {
    this.#columns = columns;
    this.slot = slot;
  }

  get name(): string {
    return this.#columns.name(this.slot);
  }

  /** The object as last seen; undefined only for a node that is gone. */
  get node(): corev1.Node | undefined {
    return this.#columns.node(this.slot);
  }

  get labels(): Readonly<Record<string, string>> {
    return this.node?.metadata.labels ?? {};
  }

  /** Pods that run there, are bound or are assumed to be. */
  get pods(): readonly PodInfo[] {
    return this.#columns.pods(this.slot);
  }

  get usedPorts(): UsedPorts | undefined {
    return this.#columns.ports(this.slot);
  }

  /** Cpu in millicores, all else in whole units; `pods` is how many may run. */
  allocatable(resource: string): number {
    if (resource === "pods") return this.#columns.podsAllowed[this.slot] ?? 0;
    const id = this.#columns.resources.idOf(resource);
    return id === undefined ? 0 : (this.#columns.allocatable(id)[this.slot] ?? 0);
  }

  /** The sum of what the pods ask for, in the same units. */
  requested(resource: string): number {
    if (resource === "pods") return this.pods.length;
    const id = this.#columns.resources.idOf(resource);
    return id === undefined ? 0 : (this.#columns.requested(id)[this.slot] ?? 0);
  }

  /** What a pod asks for of one resource, in the same units. */
  amountOf(requests: Amounts, resource: string): number {
    const id = this.#columns.resources.idOf(resource);
    return id === undefined ? 0 : (requests.get(id) ?? 0);
  }
}
