import type { LabelColumn } from "../cache/label-columns.ts";
import type { NodeColumns } from "../cache/node-columns.ts";

/** Which nodes take part, and how they are divided. */
export interface DomainSpec {
  /** Nodes with the same value of this label are one domain; nodes without it take no part. */
  readonly topologyKey: string;
  /** Nodes lacking one of these labels take no part either. */
  readonly requiredKeys: readonly string[];
  /** A further condition; `key` is equal for the same one. */
  readonly condition?: { readonly key: string; mask(): Uint8Array };
}

/** The text that tells one {@link DomainSpec} from another. */
export function domainKey({ topologyKey, requiredKeys, condition }: DomainSpec): string {
  return `${topologyKey}\n${requiredKeys.join(",")}\n${condition?.key ?? ""}`;
}

/** The domain of every node, by the number of its label's value; brought up to date when nodes change. */
export class DomainMap {
  readonly #nodes: NodeColumns;
  readonly #spec: DomainSpec;
  readonly column: LabelColumn;
  /** By slot: the domain's number, 0 for nodes that take no part. */
  valueAt = new Int32Array(0);
  /** By domain number: how many nodes. */
  nodesIn = new Int32Array(0);
  /** The numbers of the domains that have nodes. */
  values: number[] = [];
  #version = -1;

  constructor(nodes: NodeColumns, spec: DomainSpec) {
    this.#nodes = nodes;
    this.#spec = spec;
    this.column = nodes.label(spec.topologyKey);
  }

  /** Which state of the nodes it shows. Call before use. */
  refresh(): number {
    const nodes = this.#nodes;
    const { version } = nodes.topology;
    if (version !== this.#version) {
      this.#build();
      this.#version = version;
    }
    return version;
  }

  #build(): void {
    const nodes = this.#nodes;
    const { requiredKeys, condition } = this.#spec;
    const required = requiredKeys.map((key) => nodes.label(key).values);
    const mask = condition?.mask();
    this.valueAt = new Int32Array(nodes.capacity);
    this.nodesIn = new Int32Array(this.column.size);
    this.values = [];
    const values = this.column.values;
    for (const slot of nodes.order) {
      const value = values[slot] as number;
      if (value === 0 || (mask && mask[slot] === 0)) continue;
      if (required.some((column) => column[slot] === 0)) continue;
      this.valueAt[slot] = value;
      if (this.nodesIn[value] === 0) this.values.push(value);
      this.nodesIn[value] = (this.nodesIn[value] as number) + 1;
    }
  }
}
