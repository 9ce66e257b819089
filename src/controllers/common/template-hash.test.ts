import { describe, expect, it } from "vitest";
import { template } from "../fixtures/objects.ts";
import { fnv32a, safeEncode, sameTemplate, stableHash } from "./template-hash.ts";

describe("template hash", () => {
  it("is FNV-1a", () => {
    expect(fnv32a(new TextEncoder().encode(""))).toBe(0x811c9dc5);
    expect(fnv32a(new TextEncoder().encode("foobar"))).toBe(0xbf9cf968);
  });

  it("uses only letters of generated names", () => {
    expect(safeEncode("0123456789")).toMatch(/^[bcdfghjklmnpqrstvwxz2-9]{10}$/);
    expect(stableHash(template())).toMatch(/^[bcdfghjklmnpqrstvwxz2-9]{1,10}$/);
  });

  it("does not depend on the order of keys, but on values and collision count", () => {
    expect(stableHash({ a: 1, b: { c: 2, d: undefined } })).toBe(stableHash({ b: { c: 2 }, a: 1 }));
    expect(stableHash({ a: 1 })).not.toBe(stableHash({ a: 2 }));
    expect(stableHash({ a: 1 }, 0)).not.toBe(stableHash({ a: 1 }));
    expect(stableHash({ a: 1 }, 0)).not.toBe(stableHash({ a: 1 }, 1));
  });

  it("compares templates without their hash label", () => {
    const labeled = template();
    labeled.metadata = { labels: { ...labeled.metadata?.labels, "pod-template-hash": "abc" }, annotations: {} };
    expect(sameTemplate(labeled, template())).toBe(true);
    expect(sameTemplate(template("demo:2"), template())).toBe(false);
  });
});
