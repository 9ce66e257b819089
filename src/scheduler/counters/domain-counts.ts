import type { DomainMap } from "./domain-map.ts";

/** What is counted: so many pods on each node. */
export interface CountedGroup {
  /** By slot. */
  readonly counts: Int32Array;
}

/**
 * How many pods of a group are in each domain of a topology. A pod that comes or goes costs O(1), the least count over all domains
 * included; only a change of nodes makes it count anew, over nodes and not over pods.
 */
export class DomainCounts {
  readonly map: DomainMap;
  readonly #group: CountedGroup;
  /** By domain number. Call {@link refresh} before reading. */
  counts = new Int32Array(0);
  /** Over all domains. */
  total = 0;
  /** By count: how many domains have it. */
  #histogram: number[] = [];
  #min = 0;
  #version = -1;

  constructor(group: CountedGroup, map: DomainMap) {
    this.#group = group;
    this.map = map;
  }

  /** Brings it up to date with the nodes. */
  refresh(): this {
    const version = this.map.refresh();
    if (version !== this.#version) {
      this.#version = version;
      this.#build();
    }
    return this;
  }

  /** The smallest count of a domain; 0 when there is none. */
  get min(): number {
    const histogram = this.#histogram;
    while (this.#min < histogram.length && !histogram[this.#min]) this.#min++;
    return this.#min < histogram.length ? this.#min : 0;
  }

  /** A pod of the group came to or left the node at `slot`. */
  change(slot: number, by: 1 | -1): void {
    const value = this.map.valueAt[slot] ?? 0;
    // When the nodes have moved on meanwhile, all is counted anew at the next refresh.
    if (value === 0 || value >= this.counts.length) return;
    const before = this.counts[value] as number;
    const after = before + by;
    this.counts[value] = after;
    this.total += by;
    const histogram = this.#histogram;
    histogram[before] = (histogram[before] as number) - 1;
    histogram[after] = (histogram[after] ?? 0) + 1;
    if (after < this.#min) this.#min = after;
  }

  #build(): void {
    const { map } = this;
    const perNode = this.#group.counts;
    const counts = new Int32Array(map.nodesIn.length);
    let total = 0;
    const { valueAt } = map;
    for (let slot = 0; slot < perNode.length; slot++) {
      const count = perNode[slot] as number;
      if (count === 0) continue;
      const value = valueAt[slot] ?? 0;
      if (value === 0) continue;
      counts[value] = (counts[value] as number) + count;
      total += count;
    }
    this.counts = counts;
    this.total = total;
    this.#histogram = [];
    this.#min = 0;
    for (const value of map.values) {
      const count = counts[value] as number;
      this.#histogram[count] = (this.#histogram[count] ?? 0) + 1;
    }
  }
}
