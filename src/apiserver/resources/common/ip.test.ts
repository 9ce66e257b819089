import { describe, expect, it } from "vitest";
import { errorText } from "../../../machinery/index.ts";
import type { Errors } from "./errors.ts";
import {
  cidrContains,
  cidrWarnings,
  formatCidr,
  formatIp,
  ipWarnings,
  isDualStack,
  parseCidr,
  parseIp,
  validateEndpointIp,
  validateIp,
  validateLegacyIp,
} from "./ip.ts";

describe("addresses", () => {
  it.each([
    ["10.0.0.1", "10.0.0.1"],
    ["010.0.0.01", "10.0.0.1"],
    ["::1", "::1"],
    ["::", "::"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["fd00:0:0:1::", "fd00:0:0:1::"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["64:ff9b::10.0.0.1", "64:ff9b::a00:1"],
    ["1::2:0:0:3", "1::2:0:0:3"],
  ])("reads %s as %s", (text, canonical) => {
    expect(formatIp(parseIp(text)?.bytes ?? new Uint8Array())).toBe(canonical);
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4.5",
    "a.b.c.d",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
  ])("refuses %j", (text) => expect(parseIp(text)).toBeUndefined());

  it.each([
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["fd00::1/64", "fd00::/64"],
    ["0.0.0.0/0", "0.0.0.0/0"],
  ])("reads the network %s as %s", (text, canonical) => {
    const cidr = parseCidr(text);
    expect(cidr && formatCidr(cidr)).toBe(canonical);
  });

  it("knows what a network holds", () => {
    const cidr = parseCidr("10.96.0.0/16");
    expect(cidr && cidrContains(cidr, Uint8Array.of(10, 96, 3, 4))).toBe(true);
    expect(cidr && cidrContains(cidr, Uint8Array.of(10, 97, 0, 1))).toBe(false);
  });

  it.each([
    [["10.0.0.1", "fd00::1"], true],
    [["10.0.0.1", "10.0.0.2"], false],
    [["10.0.0.1"], false],
  ])("dual stack %j: %s", (list, yes) => expect(isDualStack(list)).toBe(yes));
});

describe("validation", () => {
  const texts = (run: (errors: Errors) => void): string[] => {
    const errors: Errors = [];
    run(errors);
    return errors.map(errorText);
  };

  it.each([
    ["127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["fe80::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["224.0.0.9", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
    ["ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
    ["0.0.0.0", "may not be unspecified (0.0.0.0)"],
    ["x", "must be a valid IP address"],
  ])("endpoint %s", (ip, words) => {
    expect(texts((e) => validateEndpointIp(e, "ip", ip))).toEqual([`ip: Invalid value: "${ip}": ${words}`]);
  });

  it("takes sloppy forms in legacy fields only", () => {
    expect(texts((e) => validateLegacyIp(e, "ip", "010.0.0.1"))).toEqual([]);
    expect(texts((e) => validateIp(e, "ip", "010.0.0.1"))).toEqual([
      'ip: Invalid value: "010.0.0.1": must not have leading 0s',
    ]);
    expect(texts((e) => validateIp(e, "ip", "FD00::1"))).toEqual([
      'ip: Invalid value: "FD00::1": must be in canonical form ("fd00::1")',
    ]);
  });

  it("warns", () => {
    expect(ipWarnings("p", "010.0.0.1")).toEqual([
      'p: non-standard IP address "010.0.0.1" will be considered invalid in a future Kubernetes release: use "10.0.0.1"',
    ]);
    expect(ipWarnings("p", "FD00::1")).toEqual([
      'p: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
    ]);
    expect(cidrWarnings("p", "10.0.0.1/8")).toEqual([
      'p: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
    ]);
  });
});
