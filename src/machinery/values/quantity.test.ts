import { describe, expect, it } from "vitest";
import { canonicalQuantity, Quantity } from "./quantity.ts";

const CANONICAL: readonly (readonly [string, string])[] = [
  ["0", "0"],
  ["00", "0"],
  ["+", "0"],
  [".", "0"],
  ["0Mi", "0"],
  ["0.0", "0"],
  ["1", "1"],
  ["1000", "1k"],
  ["1001", "1001"],
  ["1500", "1500"],
  ["0.5", "500m"],
  ["1.5", "1500m"],
  ["1.500", "1.500"],
  ["007", "007"],
  ["+5", "+5"],
  ["-1", "-1"],
  ["-1.5", "-1500m"],
  ["100m", "100m"],
  ["1000m", "1"],
  ["1500m", "1500m"],
  ["0.1m", "100u"],
  ["1n", "1n"],
  ["0.1n", "1n"],
  ["-0.1n", "-1n"],
  ["1.0000000001", "1000000001n"],
  ["1e3", "1e3"],
  ["1E3", "1E3"],
  ["100e3", "100e3"],
  ["1000e3", "1e6"],
  ["1.5e3", "1500"],
  ["0.5e-1", "50e-3"],
  ["1e-3", "1e-3"],
  ["1e-20", "1e-9"],
  ["e3", "0"],
  ["1Ki", "1Ki"],
  ["8Ki", "8Ki"],
  ["1024Ki", "1Mi"],
  ["1023Mi", "1023Mi"],
  ["1.5Gi", "1536Mi"],
  ["0.5Ki", "512"],
  ["0.1Mi", "104857600m"],
  ["0.0001Ki", "102400u"],
  ["1024Mi", "1Gi"],
  ["16Gi", "16Gi"],
  ["128Mi", "128Mi"],
  ["9223372036854775807", "9223372036854775807"],
  ["9223372036854775808", "9223372036854775808"],
  ["100Ei", "9223372036854775807"],
  ["-100Ei", "-9223372036854775807"],
  ["12E", "12E"],
  ["1000k", "1M"],
  ["1000000000000000000000", "1000E"],
];

describe("Quantity", () => {
  it.each(CANONICAL)("prints %s as %s", (text, canonical) => {
    expect(Quantity.parse(text).toString()).toBe(canonical);
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it.each(["", "abc", "1x", "1 2", "1..2", "1.2.3", "0x10", "1,5"])("refuses %j as no quantity", (text) => {
    const pattern = "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    expect(() => Quantity.parse(text)).toThrow(`quantities must match the regular expression ${pattern}`);
  });

  it.each(["--1", "1i", "1e", "1Ki5", "1MM", "1e99999999999"])("refuses the suffix of %s", (text) => {
    expect(() => Quantity.parse(text)).toThrow("unable to parse quantity's suffix");
  });

  it.each([
    ["100m", "0.9", "1"],
    ["1Gi", "1Mi", "1025Mi"],
    ["0", "1Gi", "1Gi"],
    ["1", "1Gi", "1073741825"],
    ["9223372036854775807", "1", "9223372036854775808"],
    ["1n", "1", "1000000001n"],
    ["-1", "1", "0"],
  ])("%s + %s = %s", (a, b, sum) => {
    expect(Quantity.parse(a).add(Quantity.parse(b)).toString()).toBe(sum);
    expect(Quantity.parse(sum).sub(Quantity.parse(b)).equals(Quantity.parse(a))).toBe(true);
  });

  it.each([
    ["1", "1000m", 0],
    ["1Ki", "1024", 0],
    ["1k", "1Ki", -1],
    ["1e1000", "1n", 1],
    ["-5", "3", -1],
  ])("compares %s with %s: %i", (a, b, order) => {
    expect(Quantity.parse(a).cmp(Quantity.parse(b))).toBe(order);
    expect(Quantity.parse(b).cmp(Quantity.parse(a))).toBe(0 - order);
  });

  it.each([
    ["1500m", 2, 1500],
    ["100m", 1, 100],
    ["-1500m", -2, -1500],
    ["1n", 1, 1],
    ["2Gi", 2147483648, 2147483648000],
    ["4Ei", 2 ** 62, 2 ** 62 * 1000],
  ])("%s is %i, or %i thousandths", (text, value, milli) => {
    expect(Quantity.parse(text).value()).toBe(value);
    expect(Quantity.parse(text).milliValue()).toBe(milli);
  });

  it("rounds up to milli, the scale of resource lists", () => {
    expect(Quantity.parse("100u").roundUp(-3).toString()).toBe("1m");
    expect(Quantity.parse("1500m").roundUp(0).toString()).toBe("2");
    expect(Quantity.parse("2Gi").roundUp(-3).toString()).toBe("2Gi");
  });

  it("negates and multiplies", () => {
    expect(Quantity.parse("2Gi").neg().toString()).toBe("-2Gi");
    expect(Quantity.parse("250m").mul(4).toString()).toBe("1");
    expect(Quantity.parse("0.5").toNumber()).toBe(0.5);
  });

  it("prints what it parsed: parse(print(q)) = q", () => {
    let seed = 7;
    const next = (bound: number): number => (seed = (seed * 48271) % 2147483647) % bound;
    const suffixes = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "e3", "e-3", "E6"];
    for (let i = 0; i < 5000; i++) {
      const text = `${next(2) ? "" : "-"}${next(100000)}${next(2) ? `.${next(10000)}` : ""}${suffixes[next(suffixes.length)]}`;
      const q = Quantity.parse(text);
      const printed = Quantity.parse(q.toString());
      expect(printed.equals(q), text).toBe(true);
      expect(Quantity.parse(printed.neg().neg().toString()).equals(q), text).toBe(true);
    }
  });
});
