/** An address family as the API names it. */
export type Family = "IPv4" | "IPv6";

/** An IP address as a number. IPv4 addresses mapped into IPv6 are IPv4. */
export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

/** A network: `value` has no bits set beyond `prefix`. */
export interface Cidr extends Ip {
  readonly prefix: number;
}

/** Bits of an address. */
export function bitsOf(family: Family): number {
  return family === "IPv4" ? 32 : 128;
}

/** Reads an address; leading zeros are allowed and mean nothing. `undefined` for anything else. */
export function parseIp(text: string): Ip | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return { family: "IPv4", value: v4 };
  const v6 = parseV6(text);
  if (v6 === undefined) return undefined;
  return v6 >> 32n === 0xffffn ? { family: "IPv4", value: v6 & 0xffffffffn } : { family: "IPv6", value: v6 };
}

/** Reads `address/prefix`, cutting bits beyond the prefix. `undefined` for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.lastIndexOf("/");
  const ip = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (slash < 0 || ip === undefined || !/^[0-9]{1,3}$/.test(digits)) return undefined;
  const prefix = Number(digits);
  const bits = bitsOf(ip.family);
  if (prefix > bits) return undefined;
  const host = BigInt(bits - prefix);
  return { family: ip.family, value: (ip.value >> host) << host, prefix };
}

/** The canonical text of an address: dotted, or RFC 5952. */
export function formatIp({ family, value }: Ip): string {
  if (family === "IPv4") return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  const [start, length] = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The canonical text of a network. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr)}/${cidr.prefix}`;
}

/** Whether the network holds the address. */
export function contains(cidr: Cidr, ip: Ip): boolean {
  const host = BigInt(bitsOf(cidr.family) - cidr.prefix);
  return cidr.family === ip.family && cidr.value >> host === ip.value >> host;
}

/** Whether two networks share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.prefix <= b.prefix ? contains(a, b) : contains(b, a);
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^[0-9]+$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(Number(part));
  }
  return value;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => groupsOf(half));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: Math.max(missing, 0) }, () => 0), ...(tail ?? [])];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  for (const [i, part] of text.split(":").entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const v4 = i === text.split(":").length - 1 ? parseV4(part) : undefined;
    if (v4 === undefined) return undefined;
    groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
  }
  return groups;
}

function longestZeros(groups: readonly string[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (groups[end] === "0") end++;
    if (end - i > best[1]) best = [i, end - i];
  }
  return best;
}
