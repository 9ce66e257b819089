import { describe, expect, it } from "vitest";
import { decodeYaml, decodeYamlStream } from "./yaml.ts";

describe("decodeYaml", () => {
  it.each([
    ["on", true],
    ["yes", true],
    ["y", true],
    ["n", false],
    ["Off", false],
    ["0644", 420],
    ["0o644", 420],
    ["0x1F", 31],
    ["0b101", 5],
    ["089", 89],
    ["1_000", 1000],
    ["+12", 12],
    ["-0", 0],
    ["1.5", 1.5],
    [".5", 0.5],
    ["1e3", 1000],
    ["1.", 1],
    ["~", null],
    ["", null],
    ["Null", null],
    ["2001-12-14", "2001-12-14"],
    ["2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"],
    ["12:30:45", "12:30:45"],
    ["1.2.3", "1.2.3"],
    ["'yes'", "yes"],
    ['"0644"', "0644"],
    ["yEs", "yEs"],
    ["NaN", "NaN"],
    [".", "."],
    ["9007199254740993", 9007199254740993n],
    ["18446744073709551616", 2 ** 64],
    ["!!str 12", "12"],
  ])("reads %s", (text, value) => {
    expect(decodeYaml(`a: ${text}`)).toEqual({ a: value });
  });

  it("makes keys text", () => {
    expect(decodeYaml("1: a\ntrue: b\n0644: c\n1.5: d\n")).toEqual({ 1: "a", true: "b", 420: "c", 1.5: "d" });
  });

  it("merges and expands aliases", () => {
    expect(decodeYaml("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne: *x\n")).toEqual({
      a: { b: 1 },
      c: { b: 1, d: 2 },
      e: { b: 1 },
    });
  });

  it("refuses alias bombs quickly", () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `l${i}: &l${i} [${Array(9)
          .fill(i === 0 ? "x" : `*l${i - 1}`)
          .join(",")}]`,
    );
    expect(() => decodeYaml(levels.join("\n"))).toThrow("yaml: ");
  });

  it("refuses documents nested too deep", () => {
    expect(() => decodeYaml("[".repeat(20_000) + "]".repeat(20_000))).toThrow("exceeded max depth");
  });

  it("keeps __proto__ data", () => {
    const value = decodeYaml("__proto__: {polluted: true}") as object;
    expect(Object.hasOwn(value, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it("tells of duplicate keys, and takes the last", () => {
    const found: string[] = [];
    expect(decodeYaml("a: 1\nb: 2\na: 3\n", { onDuplicate: (m) => found.push(m) })).toEqual({ a: 3, b: 2 });
    expect(found).toEqual(['line 3: key "a" already set in map']);
    expect(decodeYaml("a: 1\na: 3\n")).toEqual({ a: 3 });
  });

  it("names the line of a syntax error", () => {
    expect(() => decodeYaml("a: 1\nb: [1\nc: 2\n")).toThrow(/^yaml: line \d+: /);
    expect(() => decodeYamlStream("a: 1\nb: [1\nc: 2\n")).toThrow(/^error converting YAML to JSON: yaml: line \d+: /);
    expect(() => decodeYaml("a: .inf")).toThrow("json: unsupported value: +Inf");
  });

  it("splits streams", () => {
    const text = '---\na: 1\n--- # two\n\n---\nb: 2\n---\n# nothing\n---\n{"c": 3}\n';
    expect(decodeYamlStream(text)).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
  });

  it("reads JSON objects that follow one another", () => {
    expect(decodeYamlStream('{"a": "}{"}{"b": {"c": ["\\""]}}\n\n{"d": 1}\n---\n{e: 1}\n')).toEqual([
      { a: "}{" },
      { b: { c: ['"'] } },
      { d: 1 },
      { e: 1 },
    ]);
    expect(() => decodeYamlStream('{"a": 1}{"b":')).toThrow(/^error converting YAML to JSON: /);
  });
});
