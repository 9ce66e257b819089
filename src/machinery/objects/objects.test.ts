import { describe, expect, it } from "vitest";
import { deepClone, deepFreeze } from "./clone.ts";
import { deepEqual } from "./equal.ts";
import { semanticEqual } from "./semantic-equal.ts";

const sample = { a: [1, { b: null, c: [] }], d: { e: "x", f: { g: true } } };

describe("objects", () => {
  it("clones without sharing", () => {
    const copy = deepClone(sample);
    expect(copy).toEqual(sample);
    expect(copy.a).not.toBe(sample.a);
    expect(copy.a[1]).not.toBe(sample.a[1]);
    expect(copy.d.f).not.toBe(sample.d.f);
  });

  it("freezes throughout", () => {
    const frozen = deepFreeze(deepClone(sample));
    expect(() => (frozen.d.f.g = false)).toThrow(TypeError);
  });

  it.each([
    [1, 1, true],
    [1, 1n, false],
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: 1 }, { a: 1, b: null }, false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [{ constructor: 1 }, {}, false],
    [null, undefined, false],
    [sample, deepClone(sample), true],
  ])("deepEqual %#", (a, b, equal) => {
    expect(deepEqual(a, b)).toBe(equal);
    expect(deepEqual(b, a)).toBe(equal);
  });

  it.each([
    [{ a: [] }, {}, true],
    [{ a: null }, {}, true],
    [{ a: {} }, {}, false],
    [{ a: [{ b: [] }] }, { a: [{}] }, true],
    [{ a: 1 }, { a: 2 }, false],
    [{ a: 0 }, {}, false],
  ])("semanticEqual(%j, %j) is %s", (a, b, equal) => {
    expect(semanticEqual(a, b)).toBe(equal);
    expect(semanticEqual(b, a)).toBe(equal);
  });
});
