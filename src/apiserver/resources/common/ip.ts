import { invalidValue } from "../../../machinery/index.ts";
import type { Errors } from "./errors.ts";

/** An address as its bytes: 4 of them for IPv4 (also when written as `::ffff:a.b.c.d`), else 16. */
export interface IpAddress {
  readonly bytes: Uint8Array;
  /** Written with leading zeros or IPv4 mapped into IPv6: read by upstream's legacy parser, refused by strict ones. */
  readonly sloppy?: "leading zeros" | "mapped";
}

/** Parses the way upstream's legacy fields do, leading zeros in IPv4 octets included. */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Whether the text is an IPv6 address; an IPv4-mapped one counts as IPv4. */
export function isIpv6(text: string): boolean {
  return parseIp(text)?.bytes.length === 16;
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  let zeros = false;
  for (const [i, part] of parts.entries()) {
    if (!/^[0-9]+$/.test(part) || Number(part) > 255) return undefined;
    zeros ||= part.length > 1 && part.startsWith("0");
    bytes[i] = Number(part);
  }
  return zeros ? { bytes, sloppy: "leading zeros" } : { bytes };
}

function parseIpv6(text: string): IpAddress | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groups(halves[0] ?? "");
  const tail = halves.length === 2 ? groups(halves[1] ?? "") : [];
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  const bytes = Uint8Array.from([...head, ...new Uint8Array(missing), ...tail]);
  return isMapped(bytes) ? { bytes: bytes.slice(12), sloppy: "mapped" } : { bytes };
}

function groups(text: string): number[] | undefined {
  if (text === "") return [];
  const out: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (part.includes(".")) {
      const v4 = i === parts.length - 1 ? parseIpv4(part) : undefined;
      if (!v4) return undefined;
      out.push(...v4.bytes);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const value = Number.parseInt(part, 16);
      out.push(value >> 8, value & 0xff);
    }
  }
  return out;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((b) => b === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** The canonical text: dotted decimal, or RFC 5952. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0));
  const [start, length] = longestZeroRun(words);
  const hex = (part: number[]): string => part.map((w) => w.toString(16)).join(":");
  return length < 2 ? hex(words) : `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}

function longestZeroRun(words: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let i = 0; i < words.length; i++) {
    let end = i;
    while (words[end] === 0) end++;
    if (end - i > best[1]) best = [i, end - i];
    if (end > i) i = end;
  }
  return best;
}

/** A network: address with host bits cleared, and prefix length in bits. */
export interface Cidr {
  readonly ip: IpAddress;
  readonly network: Uint8Array;
  readonly bits: number;
}

/** Parses `10.0.0.0/8` or `fd00::/64`, by the legacy rules for the address part. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const ip = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  const length = text.slice(slash + 1);
  if (!ip || !/^[0-9]+$/.test(length)) return undefined;
  const shift = ip.sloppy === "mapped" ? 96 : 0;
  const bits = Number(length) - shift;
  if (bits < 0 || bits > ip.bytes.length * 8) return undefined;
  return { ip, network: maskTo(ip.bytes, bits), bits };
}

function maskTo(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((b, i) => {
    const keep = Math.min(Math.max(bits - i * 8, 0), 8);
    return b & (0xff << (8 - keep)) & 0xff;
  });
}

/** `10.0.0.0/8`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.network)}/${cidr.bits}`;
}

/** Whether a network holds an address of the same family. */
export function cidrContains(cidr: Cidr, ip: Uint8Array): boolean {
  if (ip.length !== cidr.network.length) return false;
  return maskTo(ip, cidr.bits).every((b, i) => b === cidr.network[i]);
}

/** An address in one of the old fields, which take sloppy forms unless `strict`; values that stood there before pass. */
export function validateLegacyIp(
  errors: Errors,
  path: string,
  value: string,
  options: { readonly old?: readonly string[]; readonly strict?: boolean } = {},
): boolean {
  if (options.old?.includes(value)) return true;
  const ip = parseIp(value);
  const problem = !ip
    ? "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    : options.strict
      ? strictProblem(ip)
      : undefined;
  if (problem) errors.push(invalidValue(path, value, problem));
  return problem === undefined;
}

/** An address in a new field: strict, and in canonical form. */
export function validateIp(errors: Errors, path: string, value: string): void {
  if (!validateLegacyIp(errors, path, value, { strict: true })) return;
  const canonical = formatIp(parseIp(value)?.bytes ?? new Uint8Array(4));
  if (value !== canonical) errors.push(invalidValue(path, value, `must be in canonical form ("${canonical}")`));
}

function strictProblem(ip: IpAddress): string | undefined {
  if (ip.sloppy === "leading zeros") return "must not have leading 0s";
  return ip.sloppy === "mapped" ? "must not be an IPv4-mapped IPv6 address" : undefined;
}

/** A network in one of the old fields. */
export function validateLegacyCidr(
  errors: Errors,
  path: string,
  value: string,
  options: { readonly old?: readonly string[]; readonly strict?: boolean } = {},
): boolean {
  if (options.old?.includes(value)) return true;
  const cidr = parseCidr(value);
  const problem = !cidr
    ? "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
    : options.strict
      ? strictCidrProblem(cidr, value)
      : undefined;
  if (problem) errors.push(invalidValue(path, value, problem));
  return problem === undefined;
}

/** A network in a new field: strict, and in canonical form. */
export function validateCidr(errors: Errors, path: string, value: string): void {
  if (!validateLegacyCidr(errors, path, value, { strict: true })) return;
  const cidr = parseCidr(value);
  const canonical = cidr ? formatCidr(cidr) : "";
  if (value !== canonical) errors.push(invalidValue(path, value, `must be in canonical form ("${canonical}")`));
}

function strictCidrProblem(cidr: Cidr, value: string): string | undefined {
  const zeros = /\/0[0-9]/.test(value) || cidr.ip.sloppy === "leading zeros";
  if (zeros) return "must not have leading 0s in IP or prefix length";
  if (cidr.ip.sloppy === "mapped") return "must not have an IPv4-mapped IPv6 address";
  return cidr.ip.bytes.every((b, i) => b === cidr.network[i])
    ? undefined
    : "must not have bits set beyond the prefix length";
}

/** Upstream's rule for addresses that traffic may be sent to: not unspecified, loopback or link-local. */
export function validateEndpointIp(errors: Errors, path: string, value: string): void {
  const ip = parseIp(value);
  if (!ip) {
    errors.push(invalidValue(path, value, "must be a valid IP address"));
    return;
  }
  const b = ip.bytes;
  const say = (words: string): void => void errors.push(invalidValue(path, value, words));
  if (b.every((x) => x === 0)) say(`may not be unspecified (${value})`);
  if (b.length === 4) {
    if (b[0] === 127) say("may not be in the loopback range (127.0.0.0/8, ::1/128)");
    if (b[0] === 169 && b[1] === 254) say("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    if (b[0] === 224 && b[1] === 0 && b[2] === 0) {
      say("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
    return;
  }
  if (b[15] === 1 && b.subarray(0, 15).every((x) => x === 0)) {
    say("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  }
  if (b[0] === 0xfe && ((b[1] ?? 0) & 0xc0) === 0x80)
    say("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (b[0] === 0xff && ((b[1] ?? 0) & 0x0f) === 0x02) {
    say("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

/** At most one address of each family, and at most two. */
export function isDualStack(addresses: readonly string[]): boolean {
  const v6 = addresses.filter(isIpv6).length;
  return v6 > 0 && v6 < addresses.length;
}

/** The warning for an address that a later release will refuse or that is not canonical. */
export function ipWarnings(path: string, value: string): string[] {
  const ip = parseIp(value);
  if (!ip) return [];
  const canonical = formatIp(ip.bytes);
  if (ip.sloppy) {
    return [
      `${path}: non-standard IP address "${value}" will be considered invalid in a future Kubernetes release: use "${canonical}"`,
    ];
  }
  if (ip.bytes.length === 16 && canonical !== value) {
    return [`${path}: IPv6 address "${value}" should be in RFC 5952 canonical format ("${canonical}")`];
  }
  return [];
}

/** The warnings for a network: ambiguous host bits, sloppy or non-canonical writing. */
export function cidrWarnings(path: string, value: string): string[] {
  const cidr = parseCidr(value);
  if (!cidr) return [];
  const canonical = formatCidr(cidr);
  const warnings: string[] = [];
  if (!cidr.ip.bytes.every((b, i) => b === cidr.network[i])) {
    const single = `${formatIp(cidr.ip.bytes)}/${cidr.ip.bytes.length * 8}`;
    warnings.push(
      `${path}: CIDR value "${value}" is ambiguous in this context (should be "${canonical}" or "${single}"?)`,
    );
  }
  if (cidr.ip.sloppy || /\/0[0-9]/.test(value)) {
    warnings.push(
      `${path}: non-standard CIDR value "${value}" will be considered invalid in a future Kubernetes release: use "${canonical}"`,
    );
  }
  if (warnings.length === 0 && cidr.ip.bytes.length === 16 && canonical !== value) {
    warnings.push(`${path}: IPv6 CIDR value "${value}" should be in RFC 5952 canonical format ("${canonical}")`);
  }
  return warnings;
}
