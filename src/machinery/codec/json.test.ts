import { describe, expect, it } from "vitest";
import { deepClone } from "../objects/clone.ts";
import { deepEqual } from "../objects/equal.ts";
import { decodeJson, encodeJson, MAX_DEPTH, stringifyJson } from "./json.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

describe("decodeJson", () => {
  it.each([
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", 9007199254740993n],
    ["18446744073709551616", 2 ** 64],
    ["1.0000000000000000001", 1],
    ["1e400", Infinity],
    ['"1234567890123456789"', "1234567890123456789"],
  ])("reads %s", (text, value) => {
    expect(decodeJson(text)).toBe(value);
  });

  it("writes back every digit", () => {
    const text = '{"a":9223372036854775807,"b":[-9007199254740993,1.5],"c":"x"}';
    expect(stringifyJson(decodeJson(text))).toBe(text);
    expect(new TextDecoder().decode(encodeJson(deepClone(decodeJson(text))))).toBe(text);
    expect(deepEqual(decodeJson(text), decodeJson(text))).toBe(true);
  });

  it("bounds the depth, without ever running out of stack", () => {
    expect(() => decodeJson(nested(MAX_DEPTH))).not.toThrow();
    expect(() => decodeJson(nested(MAX_DEPTH + 1))).toThrow("exceeded max depth");
    expect(() => decodeJson("[".repeat(1_500_000))).toThrow("exceeded max depth");
    expect(() => decodeJson(`{"a":"${"[".repeat(20_000)}"}`)).not.toThrow();
    expect(() => decodeJson(`{"a":"\\"${"[".repeat(20_000)}"}`)).not.toThrow();
  });

  it("keeps __proto__ and constructor data, through clones too", () => {
    const value = decodeJson('{"__proto__":{"x":1},"constructor":{"y":{"__proto__":2}}}') as Record<string, unknown>;
    const copy = deepClone(value);
    expect(Object.keys(copy)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(stringifyJson(copy)).toBe('{"__proto__":{"x":1},"constructor":{"y":{"__proto__":2}}}');
    expect(deepEqual(copy, value)).toBe(true);
    expect(deepEqual({}, value)).toBe(false);
  });

  it.each([
    ["{}", []],
    ['{"a":1,"a":2}', ['duplicate field "a"']],
    ['{"a" :1,"b":{"c":[{"d":1,\n"d"\t:2}]}}', ['duplicate field "b.c[0].d"']],
    ['{"a":"x\\":1,\\"a\\":2","b":1}', []],
    ['{"a":[{"a":1},{"a":1}],"b":{"a":1}}', []],
    ['{"a":1,"a":1,"a":1}', ['duplicate field "a"']],
    ['{"a\\u0062":1,"ab":2}', ['duplicate field "ab"']],
  ])("finds duplicates in %s", (text, findings) => {
    const found: string[] = [];
    decodeJson(text, { onDuplicate: (d) => found.push(d) });
    expect(found).toEqual(findings);
  });

  it("throws ParseError on malformed input", () => {
    for (const text of ["", "{", "{'a':1}", "01", "nul", '{"a":1}}', "\u0000"]) {
      expect(() => decodeJson(text)).toThrow(expect.objectContaining({ code: "ParseError" }));
    }
  });
});
