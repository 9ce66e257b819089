import { LruMap } from "../../kit/index.ts";
import { growFloat64 } from "./grow.ts";
import type { NodeColumns } from "./node-columns.ts";

interface Values {
  bySlot: Float64Array;
  version: number;
}

/** So few slots are worked out one by one. */
const FEW = 16;

/**
 * A number for every node that follows from the node's own columns and from a question alone, such as a score for pods that ask for the same.
 * Pods of a kind come in numbers, and between two of them few nodes change: only those are worked out anew.
 */
export class SlotValues {
  readonly #nodes: NodeColumns;
  readonly #known: LruMap<string, Values>;

  /** Answers to `capacity` questions are kept. */
  constructor(nodes: NodeColumns, capacity: number) {
    this.#nodes = nodes;
    this.#known = new LruMap(capacity);
  }

  /**
   * The numbers of all nodes, by slot, for the question `key`; valid until nodes or pods change. Undefined for `count` so small that
   * it does not pay.
   */
  get(key: string, count: number, compute: (slot: number) => number): Float64Array | undefined {
    if (count <= FEW) return undefined;
    const nodes = this.#nodes;
    const { version } = nodes.changes;
    const known = this.#known.get(key);
    const changed = known && nodes.changes.since(known.version);
    if (!known || !changed) {
      const bySlot = new Float64Array(nodes.capacity);
      const { order } = nodes;
      for (let i = 0; i < order.length; i++) bySlot[order[i] as number] = compute(order[i] as number);
      this.#known.set(key, { bySlot, version });
      return bySlot;
    }
    if (known.bySlot.length < nodes.capacity) known.bySlot = growFloat64(known.bySlot, nodes.capacity);
    for (let i = 0; i < changed.length; i++) {
      const slot = changed[i] as number;
      if (nodes.live[slot] === 1) known.bySlot[slot] = compute(slot);
    }
    known.version = version;
    return known.bySlot;
  }
}
