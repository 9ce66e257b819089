import { describe, expect, it } from "vitest";
import { decodeYaml } from "./yaml.ts";
import { encodeYaml } from "./yaml-encode.ts";

const words = (count: number): string => Array.from({ length: count }, (_, i) => `word${i}`).join(" ");

describe("encodeYaml", () => {
  it.each([
    [{}, "{}\n"],
    [[], "[]\n"],
    ["x", "x\n"],
    [null, "null\n"],
    [{ b: 1, a: [] }, "a: []\nb: 1\n"],
    [{ a: { b: { c: {} } } }, "a:\n  b:\n    c: {}\n"],
    [{ a: [1, { b: 2, c: [3] }, [4, 5], []] }, "a:\n- 1\n- b: 2\n  c:\n  - 3\n- - 4\n  - 5\n- []\n"],
    [[{ a: 1 }], "- a: 1\n"],
    [{ a10: 1, a9: 2, "a-b": 3, a: 4, A: 5 }, "A: 5\na: 4\na-b: 3\na9: 2\na10: 1\n"],
    [
      { t: true, f: false, n: null, i: 9007199254740993n, d: 1.5, e: 1e-7 },
      'd: 1.5\ne: 1e-07\nf: false\ni: 9007199254740993\n"n": null\nt: true\n',
    ],
  ])("writes %#", (value, text) => {
    expect(encodeYaml(value)).toBe(text);
  });

  it.each([
    ["", '""'],
    ["plain text", "plain text"],
    ["true", '"true"'],
    ["yes", '"yes"'],
    ["123", '"123"'],
    ["0x1F", '"0x1F"'],
    ["1.5", '"1.5"'],
    ["1.2.3", "1.2.3"],
    ["null", '"null"'],
    ["~", '"~"'],
    ["2026-01-02", '"2026-01-02"'],
    ["2026-01-02T03:04:05Z", '"2026-01-02T03:04:05Z"'],
    ["2026-13-02", "2026-13-02"],
    ["12:30:45", '"12:30:45"'],
    ["a: b", "'a: b'"],
    ["a:b", "a:b"],
    ["a #b", "'a #b'"],
    ["#a", "'#a'"],
    ["- a", "'- a'"],
    ["-a", "-a"],
    ["*", "'*'"],
    ["{}", "'{}'"],
    ["it's", "it's"],
    ["'it's", "'''it''s'"],
    [" a", "' a'"],
    ["a\tb", '"a\\tb"'],
    ["😀", '"\\U0001F600"'],
    ["é", "é"],
    ["---", "'---'"],
    ["<<", '"<<"'],
    ["a\nb\n", "|\n  a\n  b"],
    ["a\nb", "|-\n  a\n  b"],
    ["a\n\nb", "|-\n  a\n\n  b"],
    [" a\nb", "|2-\n   a\n  b"],
    ["a \nb", '"a \\nb"'],
  ])("writes the text %j as %s", (text, written) => {
    expect(encodeYaml({ k: text })).toBe(`k: ${written}\n`);
  });

  it("keeps trailing line breaks", () => {
    expect(encodeYaml({ a: "x\n\n", b: "\n", c: "x\n" })).toBe("a: |+\n  x\n\nb: |2+\n\nc: |\n  x\n");
  });

  it("folds long lines", () => {
    expect(encodeYaml({ message: words(20) })).toBe(
      "message: word0 word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11\n  word12 word13 word14 word15 word16 word17 word18 word19\n",
    );
    expect(encodeYaml({ message: `x: ${words(14)}` })).toBe(
      "message: 'x: word0 word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11\n  word12 word13'\n",
    );
  });

  it("is read back as it was", () => {
    let seed = 3;
    const next = (bound: number): number => (seed = (seed * 48271) % 2147483647) % bound;
    const pieces = [
      "a",
      " ",
      "\n",
      ":",
      "#",
      "-",
      "'",
      '"',
      "\\",
      "0",
      "1",
      "true",
      ".",
      "\t",
      "é",
      "😀",
      "x".repeat(30),
      "{",
      "]",
      "~",
      "\u2028",
      "\r",
    ];
    const text = (): string => Array.from({ length: next(9) }, () => pieces[next(pieces.length)]).join("");
    const value = (depth: number): unknown => {
      const kind = next(depth > 0 ? 6 : 3);
      if (kind < 2) return text();
      if (kind === 2) return [null, true, next(1000), 0.5][next(4)];
      if (kind < 5) return Object.fromEntries(Array.from({ length: next(4) }, () => [text(), value(depth - 1)]));
      return Array.from({ length: next(4) }, () => value(depth - 1));
    };
    for (let i = 0; i < 1000; i++) {
      const object = { root: value(3) };
      const yaml = encodeYaml(object);
      expect(decodeYaml(yaml), yaml).toEqual(object);
    }
  });
});
