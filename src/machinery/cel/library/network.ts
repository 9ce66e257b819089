import { isIpv4, isIpv6 } from "../../structural/formats.ts";
import { fn, method, type Overload, reads } from "../functions.ts";
import { BOOL, INT, opaqueType, STRING } from "../types.ts";
import { CelError, Opaque } from "../values.ts";

/** The bytes of an address, as one number. */
function parseIp(text: string): { family: 4 | 6; bits: bigint } | undefined {
  if (isIpv4(text)) return { family: 4, bits: text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
  if (!isIpv6(text) || text.includes("%")) return undefined;
  const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = "", tail] = host.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const middle = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => "0");
  const bits = [...before, ...middle, ...after].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
  // Upstream does not take an IPv4 address in the guise of an IPv6 one.
  return bits >> 32n === 0xffffn ? undefined : { family: 6, bits };
}

function showIp(family: 4 | 6, bits: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

class IpValue extends Opaque {
  readonly typeName = "net.IP";
  readonly family: 4 | 6;
  readonly bits: bigint;

  constructor(family: 4 | 6, bits: bigint) {
    super();
    this.family = family;
    this.bits = bits;
  }

  static of(text: string): IpValue {
    const parsed = parseIp(text);
    if (!parsed)
      throw new CelError(
        `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
      );
    return new IpValue(parsed.family, parsed.bits);
  }

  /** The first `count` bits. */
  head(count: number): bigint {
    return this.bits >> BigInt((this.family === 4 ? 32 : 128) - count);
  }

  equals(other: IpValue): boolean {
    return this.family === other.family && this.bits === other.bits;
  }
}

class CidrValue extends Opaque {
  readonly typeName = "net.CIDR";
  readonly ip: IpValue;
  readonly length: number;

  constructor(ip: IpValue, length: number) {
    super();
    this.ip = ip;
    this.length = length;
  }

  static of(text: string): CidrValue {
    const [address = "", length = ""] = text.split("/");
    const parsed = /^(?:0|[1-9]\d{0,2})$/.test(length) ? parseIp(address) : undefined;
    if (!parsed || Number(length) > (parsed.family === 4 ? 32 : 128)) {
      throw new CelError(
        `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): unable to parse`,
      );
    }
    return new CidrValue(new IpValue(parsed.family, parsed.bits), Number(length));
  }

  contains(ip: IpValue): boolean {
    return ip.family === this.ip.family && ip.head(this.length) === this.ip.head(this.length);
  }

  masked(): CidrValue {
    const rest = BigInt((this.ip.family === 4 ? 32 : 128) - this.length);
    return new CidrValue(new IpValue(this.ip.family, (this.ip.bits >> rest) << rest), this.length);
  }

  show(): string {
    return `${showIp(this.ip.family, this.ip.bits)}/${this.length}`;
  }

  equals(other: CidrValue): boolean {
    return this.ip.equals(other.ip) && this.length === other.length;
  }
}

const IP = opaqueType("net.IP");
const CIDR = opaqueType("net.CIDR");
const ip = (value: unknown): IpValue => value as IpValue;
const cidr = (value: unknown): CidrValue => value as CidrValue;
const inside = (value: unknown, v4: readonly string[], v6: readonly string[]): boolean =>
  [...v4, ...v6].some((net) => CidrValue.of(net).contains(ip(value)));
const isIp = (text: unknown): boolean => parseIp(text as string) !== undefined;

function isCidr(text: unknown): boolean {
  try {
    CidrValue.of(text as string);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

/** IP addresses and networks. */
export const networkLibrary: readonly Overload[] = [
  fn("ip", [STRING], IP, (text) => IpValue.of(text as string), reads),
  fn("isIP", [STRING], BOOL, isIp, reads),
  fn(
    "ip.isCanonical",
    [STRING],
    BOOL,
    (text) => {
      const parsed = IpValue.of(text as string);
      return showIp(parsed.family, parsed.bits) === text;
    },
    reads,
  ),
  fn("string", [IP], STRING, (value) => showIp(ip(value).family, ip(value).bits)),
  method("family", [IP], INT, (value) => BigInt(ip(value).family)),
  method("isUnspecified", [IP], BOOL, (value) => ip(value).bits === 0n),
  method("isLoopback", [IP], BOOL, (value) => inside(value, ["127.0.0.0/8"], ["::1/128"])),
  method("isLinkLocalMulticast", [IP], BOOL, (value) => inside(value, ["224.0.0.0/24"], ["ff02::/16"])),
  method("isLinkLocalUnicast", [IP], BOOL, (value) => inside(value, ["169.254.0.0/16"], ["fe80::/10"])),
  method(
    "isGlobalUnicast",
    [IP],
    BOOL,
    (value) =>
      ip(value).bits !== 0n &&
      !inside(
        value,
        ["127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "255.255.255.255/32"],
        ["::1/128", "ff00::/8", "fe80::/10"],
      ),
  ),
  fn("cidr", [STRING], CIDR, (text) => CidrValue.of(text as string), reads),
  fn("isCIDR", [STRING], BOOL, isCidr, reads),
  fn("string", [CIDR], STRING, (value) => cidr(value).show()),
  method("ip", [CIDR], IP, (value) => cidr(value).ip),
  method("prefixLength", [CIDR], INT, (value) => BigInt(cidr(value).length)),
  method("masked", [CIDR], CIDR, (value) => cidr(value).masked()),
  method("containsIP", [CIDR, IP], BOOL, (net, value) => cidr(net).contains(ip(value))),
  method("containsIP", [CIDR, STRING], BOOL, (net, value) => cidr(net).contains(IpValue.of(value as string))),
  method(
    "containsCIDR",
    [CIDR, CIDR],
    BOOL,
    (net, value) => cidr(net).length <= cidr(value).length && cidr(net).contains(cidr(value).ip),
  ),
  method("containsCIDR", [CIDR, STRING], BOOL, (net, text) => {
    const value = CidrValue.of(text as string);
    return cidr(net).length <= value.length && cidr(net).contains(value.ip);
  }),
];
