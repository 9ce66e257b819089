import { LruMap } from "../../kit/index.ts";
import { growUint8 } from "./grow.ts";
import type { NodeColumns } from "./node-columns.ts";

interface Mask {
  bits: Uint8Array;
  version: number;
}

const REMEMBERED = 256;

/**
 * Yes or no for every node, by a question about its labels, taints and fields alone. Pods of a workload ask the same, so answers are
 * kept by the question's text, and after changes of nodes only those are asked again.
 */
export class NodeMasks {
  readonly #nodes: NodeColumns;
  readonly #masks = new LruMap<string, Mask>(REMEMBERED);

  constructor(nodes: NodeColumns) {
    this.#nodes = nodes;
  }

  /** 1 at the slot of every node for which `holds`. Valid until nodes change; do not write to it. */
  get(key: string, holds: (slot: number) => boolean): Uint8Array {
    const nodes = this.#nodes;
    const { version } = nodes.topology;
    const mask = this.#masks.get(key);
    const changed = mask && nodes.topology.since(mask.version);
    if (!mask || !changed) {
      const bits = new Uint8Array(nodes.capacity);
      for (const slot of nodes.order) bits[slot] = holds(slot) ? 1 : 0;
      this.#masks.set(key, { bits, version });
      return bits;
    }
    if (mask.bits.length < nodes.capacity) mask.bits = growUint8(mask.bits, nodes.capacity);
    for (const slot of changed) mask.bits[slot] = nodes.live[slot] === 1 && holds(slot) ? 1 : 0;
    mask.version = version;
    return mask.bits;
  }
}
