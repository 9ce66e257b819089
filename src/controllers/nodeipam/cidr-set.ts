import { bitsOf, type Cidr, contains, formatCidr, overlaps } from "../common/ip.ts";

/** All subnets of one size within a cluster network, and which of them are taken. */
export class CidrSet {
  readonly #cluster: Cidr;
  readonly #prefix: number;
  readonly #count: number;
  readonly #taken = new Map<number, number>();
  #next = 0;

  /** `prefix` is that of the subnets; it must be at least the network's, and at most 16 bits longer. */
  constructor(cluster: Cidr, prefix: number) {
    const bits = prefix - cluster.prefix;
    if (bits < 0 || bits > 16 || prefix > bitsOf(cluster.family)) {
      const network = formatCidr(cluster);
      throw new Error(
        `node networks of /${prefix} do not fit ${network}: expected /${cluster.prefix} to /${cluster.prefix + 16}`,
      );
    }
    this.#cluster = cluster;
    this.#prefix = prefix;
    this.#count = 2 ** bits;
  }

  get cluster(): Cidr {
    return this.#cluster;
  }

  /** Takes the next free subnet; `undefined` when there is none. */
  allocate(): Cidr | undefined {
    for (let tried = 0; tried < this.#count; tried++) {
      const index = (this.#next + tried) % this.#count;
      if (this.#taken.has(index)) continue;
      this.#next = (index + 1) % this.#count;
      this.#taken.set(index, 1);
      return this.#subnet(index);
    }
    return undefined;
  }

  /** Marks as taken every subnet that shares addresses with `cidr`. Counted: each mark needs its own release. */
  occupy(cidr: Cidr): void {
    for (const index of this.#indexes(cidr)) this.#taken.set(index, (this.#taken.get(index) ?? 0) + 1);
  }

  /** Takes back one mark of {@link occupy} or {@link allocate}. */
  release(cidr: Cidr): void {
    for (const index of this.#indexes(cidr)) {
      const count = this.#taken.get(index) ?? 0;
      if (count > 1) this.#taken.set(index, count - 1);
      else this.#taken.delete(index);
    }
  }

  /** Whether the network is part of the cluster's. */
  holds(cidr: Cidr): boolean {
    return cidr.prefix >= this.#cluster.prefix && contains(this.#cluster, cidr);
  }

  #subnet(index: number): Cidr {
    const shift = BigInt(bitsOf(this.#cluster.family) - this.#prefix);
    return {
      family: this.#cluster.family,
      value: this.#cluster.value + (BigInt(index) << shift),
      prefix: this.#prefix,
    };
  }

  *#indexes(cidr: Cidr): Generator<number> {
    if (!overlaps(this.#cluster, cidr)) return;
    if (cidr.prefix <= this.#cluster.prefix) {
      for (let index = 0; index < this.#count; index++) yield index;
      return;
    }
    const shift = BigInt(bitsOf(cidr.family) - this.#prefix);
    const first = Number((cidr.value - this.#cluster.value) >> shift);
    const size = cidr.prefix >= this.#prefix ? 1 : 2 ** (this.#prefix - cidr.prefix);
    for (let index = first; index < first + size; index++) yield index;
  }
}
