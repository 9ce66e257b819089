import { describe, expect, it } from "vitest";
import { escapeFieldValue, parseFieldSelector } from "./fields.ts";
import {
  andSelectors,
  everything,
  formatLabelSelector,
  nothing,
  parseLabelSelector,
  selectorFrom,
  selectorFromMap,
} from "./labels.ts";

describe("label selectors", () => {
  it.each([
    ["", ""],
    ["a=b", "a=b"],
    ["a==b , c != d", "a==b,c!=d"],
    ["z,!a", "!a,z"],
    ["x in (b,a,a)", "x in (a,b)"],
    ["x notin ()", "x notin ()"],
    ["x in (,a)", "x in (,a)"],
    ["in in (in,notin)", "in in (in,notin)"],
    ["a=,b", "a=,b"],
    ["x>1,y<2", "x>1,y<2"],
    ["example.com/k=v", "example.com/k=v"],
  ])("%j prints as %j", (text, printed) => {
    expect(parseLabelSelector(text).toString()).toBe(printed);
    expect(parseLabelSelector(printed).toString()).toBe(printed);
  });

  it.each([
    ["a=b", { a: "b" }, true],
    ["a=b", { a: "c" }, false],
    ["a!=b", {}, true],
    ["a!=b", { a: "b" }, false],
    ["a", { a: "" }, true],
    ["!a", { b: "" }, true],
    ["a in (x,y),b notin (z)", { a: "y" }, true],
    ["a in (x,y),b notin (z)", { a: "y", b: "z" }, false],
    ["n>5", { n: "10" }, true],
    ["n<5", { n: "10" }, false],
    ["n>5", { n: "x" }, false],
    ["constructor", {}, false],
    ["", { a: "b" }, true],
  ])("%j on %j is %s", (text, labels, result) => {
    expect(parseLabelSelector(text).matches(labels as Record<string, string>)).toBe(result);
  });

  it.each([
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["a=b,", "found '', expected: identifier after ','"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a==!b", "unable to parse requirement: found '!', expected: identifier"],
    [
      "a>x",
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    [
      "_=x",
      "unable to parse requirement: <nil>: Invalid value: \"_\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
    [
      "a=-",
      "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  ])("refuses %j", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message, code: "ParseError" }));
  });

  it("is made from objects", () => {
    const object = {
      matchLabels: { b: "2", a: "1" },
      matchExpressions: [{ key: "c", operator: "NotIn", values: ["x"] }],
    };
    expect(selectorFrom(object).toString()).toBe("a=1,b=2,c notin (x)");
    expect(selectorFrom(undefined)).toBe(nothing);
    expect(selectorFrom({})).toBe(everything);
    expect(nothing.matches({})).toBe(false);
    expect(nothing.empty).toBe(false);
    expect(everything.empty).toBe(true);
    expect(() => selectorFrom({ matchExpressions: [{ key: "c", operator: "Is" }] })).toThrow(
      '"Is" is not a valid label selector operator',
    );
    expect(selectorFromMap({ a: "1" }).requiresExact("a")).toBe("1");
    expect(parseLabelSelector("a in (x,y)").requiresExact("a")).toBeUndefined();
    expect(andSelectors(parseLabelSelector("b"), parseLabelSelector("a=1")).toString()).toBe("a=1,b");
    expect(formatLabelSelector({})).toBe("<none>");
    expect(formatLabelSelector({ matchExpressions: [{ key: "c", operator: "Is" }] })).toBe("<error>");
  });
});

describe("field selectors", () => {
  const get = (field: string): string => ({ "metadata.name": "x,y", "spec.nodeName": "" })[field] ?? "";

  it.each([
    ["", true],
    ["metadata.name=x\\,y", true],
    ["metadata.name==x\\,y,spec.nodeName=", true],
    ["spec.nodeName!=", false],
    ["metadata.name!=z", true],
  ])("%j is %s", (text, result) => {
    const selector = parseFieldSelector(text);
    expect(selector.matches(get)).toBe(result);
    expect(parseFieldSelector(selector.toString()).toString()).toBe(selector.toString());
  });

  it("tells the value that a field must have", () => {
    const selector = parseFieldSelector("spec.nodeName=n1,status.phase!=Failed");
    expect(selector.exact("spec.nodeName")).toBe("n1");
    expect(selector.exact("status.phase")).toBeUndefined();
    expect(escapeFieldValue("a=b,c\\")).toBe("a\\=b\\,c\\\\");
  });

  it.each([
    ["abc", "invalid selector: 'abc'; can't understand 'abc'"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
    ["a=b\\x", "invalid field selector: invalid escape sequence: \\x"],
  ])("refuses %j", (text, message) => {
    expect(() => parseFieldSelector(text)).toThrow(message);
  });
});
