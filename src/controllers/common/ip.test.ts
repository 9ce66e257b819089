import { describe, expect, it } from "vitest";
import { contains, formatCidr, formatIp, overlaps, parseCidr, parseIp } from "./ip.ts";

describe("addresses", () => {
  const same: readonly (readonly [string, string])[] = [
    ["10.0.0.1", "10.0.0.1"],
    ["010.000.0.01", "10.0.0.1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["::", "::"],
    ["::1", "::1"],
    ["FD00:0:0:1:0:0:0:1", "fd00:0:0:1::1"],
    ["fd00::1:0:0:1", "fd00::1:0:0:1"],
    ["1:0:2:0:3:0:4:5", "1:0:2:0:3:0:4:5"],
    ["2001:db8::192.168.0.1", "2001:db8::c0a8:1"],
  ];
  for (const [text, canonical] of same) {
    it(`${text} is ${canonical}`, () => {
      const ip = parseIp(text);
      expect(ip && formatIp(ip)).toBe(canonical);
    });
  }

  for (const bad of [
    "",
    "10.0.0",
    "10.0.0.256",
    "1.2.3.4.5",
    ":::",
    "1::2::3",
    "12345::",
    "fd00::1::",
    "g::",
    "1:2:3:4:5:6:7",
    "::1.2.3",
  ]) {
    it(`refuses "${bad}"`, () => expect(parseIp(bad)).toBeUndefined());
  }
});

describe("networks", () => {
  it("cuts host bits", () => {
    expect(formatCidr(parseCidr("10.1.2.3/16") ?? expect.unreachable())).toBe("10.1.0.0/16");
    expect(formatCidr(parseCidr("fd00::1/64") ?? expect.unreachable())).toBe("fd00::/64");
    expect(parseCidr("10.0.0.0/33")).toBeUndefined();
    expect(parseCidr("10.0.0.0")).toBeUndefined();
  });

  it("knows what lies in it", () => {
    const [net, small, other] = ["10.0.0.0/8", "10.2.0.0/16", "10.3.0.0/16"].map(
      (t) => parseCidr(t) ?? expect.unreachable(),
    );
    expect(contains(net!, parseIp("10.255.0.1")!)).toBe(true);
    expect(contains(net!, parseIp("11.0.0.1")!)).toBe(false);
    expect(contains(net!, parseIp("::1")!)).toBe(false);
    expect([overlaps(net!, small!), overlaps(small!, net!), overlaps(small!, other!)]).toEqual([true, true, false]);
  });
});
