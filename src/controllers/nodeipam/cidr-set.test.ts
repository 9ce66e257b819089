import { describe, expect, it } from "vitest";
import { formatCidr, parseCidr } from "../common/ip.ts";
import { CidrSet } from "./cidr-set.ts";

const cidr = (text: string) => parseCidr(text) ?? expect.unreachable();
const next = (set: CidrSet) => {
  const got = set.allocate();
  return got && formatCidr(got);
};

describe("CidrSet", () => {
  it("gives every subnet once, in turn, and takes them back", () => {
    const set = new CidrSet(cidr("10.244.0.0/16"), 18);
    expect([next(set), next(set), next(set), next(set), next(set)]).toEqual([
      "10.244.0.0/18",
      "10.244.64.0/18",
      "10.244.128.0/18",
      "10.244.192.0/18",
      undefined,
    ]);
    set.release(cidr("10.244.64.0/18"));
    expect(next(set)).toBe("10.244.64.0/18");
  });

  it("leaves out what others hold, larger and smaller", () => {
    const set = new CidrSet(cidr("10.0.0.0/22"), 24);
    set.occupy(cidr("10.0.1.128/25"));
    set.occupy(cidr("10.0.2.0/23"));
    set.occupy(cidr("192.168.0.0/16"));
    expect([next(set), next(set)]).toEqual(["10.0.0.0/24", undefined]);
    const all = new CidrSet(cidr("10.0.0.0/24"), 25);
    all.occupy(cidr("10.0.0.0/8"));
    expect(next(all)).toBeUndefined();
  });

  it("counts marks", () => {
    const set = new CidrSet(cidr("10.0.0.0/24"), 24);
    set.occupy(cidr("10.0.0.0/24"));
    set.occupy(cidr("10.0.0.0/26"));
    set.release(cidr("10.0.0.0/24"));
    expect(next(set)).toBeUndefined();
    set.release(cidr("10.0.0.0/26"));
    expect(next(set)).toBe("10.0.0.0/24");
  });

  it("does IPv6", () => {
    const set = new CidrSet(cidr("fd00:10:244::/56"), 64);
    expect([next(set), next(set)]).toEqual(["fd00:10:244::/64", "fd00:10:244:1::/64"]);
  });

  it("refuses sizes that do not fit", () => {
    expect(() => new CidrSet(cidr("10.0.0.0/24"), 16)).toThrow("do not fit 10.0.0.0/24: expected /24 to /40");
    expect(() => new CidrSet(cidr("fd00::/32"), 64)).toThrow("do not fit");
  });
});
