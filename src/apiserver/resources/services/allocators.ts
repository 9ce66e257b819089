import type { Random } from "../../../kit/index.ts";
import { cidrContains, formatIp, parseCidr, parseIp } from "../common/ip.ts";
import { ClaimTable, RangePicker } from "./claims.ts";

/** The two kinds of addresses. */
export type IpFamily = "IPv4" | "IPv6";

/** What asking for one address or port came to. */
export type Claimed = "ok" | "taken" | "outside";

/** What of a stored service takes addresses and ports. */
export interface ServiceLike {
  readonly spec: {
    readonly clusterIPs?: readonly string[];
    readonly ports?: readonly { readonly nodePort?: number }[];
    readonly healthCheckNodePort?: number;
  };
}

/** Addresses of one network, each owned by at most one service (`namespace/name`). */
export class IpAllocator {
  readonly family: IpFamily;
  /** Such as `10.96.0.0/16`. */
  readonly cidr: string;
  readonly #network: NonNullable<ReturnType<typeof parseCidr>>;
  readonly #base: bigint;
  readonly #picker: RangePicker;
  readonly claims = new ClaimTable<string>();

  constructor(cidr: string, random: Random) {
    const network = parseCidr(cidr);
    if (!network) throw new RangeError(`The service network "${cidr}" is no CIDR; expected one such as 10.96.0.0/16`);
    this.cidr = cidr;
    this.#network = network;
    this.family = network.network.length === 4 ? "IPv4" : "IPv6";
    this.#base = toNumber(network.network);
    // The network's own address is never given, nor is IPv4's broadcast address. More than 2^20 are not needed.
    const all = 2n ** BigInt(network.network.length * 8 - network.bits);
    const usable = all - (this.family === "IPv4" ? 2n : 1n);
    const size = Number(usable > 2n ** 20n ? 2n ** 20n : usable < 0n ? 0n : usable);
    this.#picker = new RangePicker(size, random, { min: 16, max: 256, step: 16 });
  }

  /** Takes any free address; undefined when there is none. */
  next(owner: string): string | undefined {
    const offset = this.#picker.pick((i) => this.claims.isFree(this.#address(i), owner));
    if (offset === undefined) return undefined;
    const address = this.#address(offset);
    this.claims.claim(address, owner);
    return address;
  }

  /** Takes this one. */
  claim(ip: string, owner: string): Claimed {
    const bytes = parseIp(ip)?.bytes;
    if (!bytes || !cidrContains(this.#network, bytes)) return "outside";
    const offset = toNumber(bytes) - this.#base;
    const last = 2n ** BigInt(bytes.length * 8 - this.#network.bits) - 1n;
    if (offset === 0n || (this.family === "IPv4" && offset === last)) return "outside";
    return this.claims.claim(formatIp(bytes), owner) ? "ok" : "taken";
  }

  release(ip: string, owner: string): void {
    this.claims.release(canonical(ip), owner);
  }

  #address(offset: number): string {
    return formatIp(toBytes(this.#base + BigInt(offset) + 1n, this.#network.network.length));
  }
}

/** Ports of one range, each owned by at most one service. */
export class PortAllocator {
  /** Such as `30000-32767`. */
  readonly range: string;
  readonly #first: number;
  readonly #last: number;
  readonly #picker: RangePicker;
  readonly claims = new ClaimTable<number>();

  constructor(range: string, random: Random) {
    const [first = "", last = ""] = range.split("-");
    this.range = range;
    this.#first = Number(first);
    this.#last = Number(last);
    const size = this.#last - this.#first + 1;
    if (!/^\d+-\d+$/.test(range) || size < 1) {
      throw new RangeError(`The node port range "${range}" is not of the form 30000-32767`);
    }
    this.#picker = new RangePicker(size, random, { min: 16, max: 128, step: 32 });
  }

  next(owner: string): number | undefined {
    const offset = this.#picker.pick((i) => this.claims.isUnused(this.#first + i));
    if (offset === undefined) return undefined;
    this.claims.claim(this.#first + offset, owner);
    return this.#first + offset;
  }

  claim(port: number, owner: string): Claimed {
    if (port < this.#first || port > this.#last) return "outside";
    return this.claims.claim(port, owner) ? "ok" : "taken";
  }

  release(port: number, owner: string): void {
    this.claims.release(port, owner);
  }
}

/** Where the allocators of a server take from. */
export interface AllocatorOptions {
  /** One network, or one of each family, the default family first. */
  readonly cidrs: readonly string[];
  readonly nodePorts: string;
  readonly random: Random;
}

/**
 * What services own. It is a reflection of the stored services, which the server reports with `observe` (all of them at the
 * start, then every change and deletion), and of the claims of requests under way.
 */
export class ServiceAllocators {
  readonly families: readonly IpFamily[];
  readonly nodePorts: PortAllocator;
  readonly #ips: ReadonlyMap<IpFamily, IpAllocator>;

  constructor(options: AllocatorOptions) {
    const ips = options.cidrs.map((cidr) => new IpAllocator(cidr, options.random));
    this.families = ips.map((a) => a.family);
    this.#ips = new Map(ips.map((a) => [a.family, a]));
    this.nodePorts = new PortAllocator(options.nodePorts, options.random);
  }

  ips(family: IpFamily): IpAllocator | undefined {
    return this.#ips.get(family);
  }

  /** What is stored of a service now; `undefined` once it is gone. */
  observe(owner: string, service: ServiceLike | undefined): void {
    const ips = (service?.spec.clusterIPs ?? []).filter((ip) => ip !== "None").map(canonical);
    for (const allocator of this.#ips.values()) {
      allocator.claims.settle(
        owner,
        ips.filter((ip) => ip.includes(":") === (allocator.family === "IPv6")),
      );
    }
    const ports = [...(service?.spec.ports ?? []).map((p) => p.nodePort ?? 0), service?.spec.healthCheckNodePort ?? 0];
    this.nodePorts.claims.settle(
      owner,
      ports.filter((p) => p !== 0),
    );
  }
}

function canonical(ip: string): string {
  const bytes = parseIp(ip)?.bytes;
  return bytes ? formatIp(bytes) : ip;
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, b) => (sum << 8n) | BigInt(b), 0n);
}

function toBytes(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn));
}
