import { describe, expect, it } from "vitest";
import { formatDuration, humanDuration, parseDuration } from "./duration.ts";
import { intValue, parseIntOrString, scaledValue } from "./int-or-string.ts";
import { formatMicroTime, formatTime, parseTime, tryParseTime } from "./time.ts";

describe("durations", () => {
  it.each([
    ["0", 0, "0s"],
    ["1h2m3s", 3723000, "1h2m3s"],
    ["1m0s", 60000, "1m0s"],
    ["90s", 90000, "1m30s"],
    ["1.5s", 1500, "1.5s"],
    ["100ms", 100, "100ms"],
    ["1us", 0.001, "1µs"],
    ["-2h", -7200000, "-2h0m0s"],
    ["36h", 129600000, "36h0m0s"],
    [".5s", 500, "500ms"],
  ])("%s is %d ms and prints as %s", (text, ms, printed) => {
    expect(parseDuration(text)).toBe(ms);
    expect(formatDuration(ms)).toBe(printed);
  });

  it.each([
    ["", 'time: invalid duration ""'],
    ["3", 'time: missing unit in duration "3"'],
    ["1d", 'time: unknown unit "d" in duration "1d"'],
    ["s", 'time: invalid duration "s"'],
    ["9999999h", 'time: invalid duration "9999999h"'],
  ])("refuses %j", (text, message) => {
    expect(() => parseDuration(text)).toThrow(message);
  });

  it.each([
    [45, "45s"],
    [119, "119s"],
    [120, "2m"],
    [192, "3m12s"],
    [599, "9m59s"],
    [600, "10m"],
    [10799, "179m"],
    [10800, "3h"],
    [11460, "3h11m"],
    [28800, "8h"],
    [172799, "47h"],
    [172800, "2d"],
    [180000, "2d2h"],
    [691200, "8d"],
    [63072000, "2y"],
    [63158400, "2y1d"],
    [252288000, "8y"],
    [-1, "0s"],
    [-5, "<invalid>"],
  ])("shows %d s as %s", (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });
});

describe("IntOrString", () => {
  it.each([
    [5, 10, true, 5],
    ["25%", 10, true, 3],
    ["25%", 10, false, 2],
    ["0%", 10, true, 0],
    ["100%", 7, false, 7],
  ])("scales %s of %d", (value, total, up, scaled) => {
    expect(scaledValue(value, total, up)).toBe(scaled);
  });

  it("refuses what is no percentage", () => {
    expect(() => scaledValue("5", 10, true)).toThrow(
      "invalid value for IntOrString: invalid type: string is not a percentage",
    );
    expect(() => scaledValue("x%", 10, true)).toThrow(
      'invalid value for IntOrString: invalid value "x%": strconv.Atoi: parsing "x": invalid syntax',
    );
  });

  it("parses numbers as numbers", () => {
    expect(parseIntOrString("80")).toBe(80);
    expect(parseIntOrString("http")).toBe("http");
    expect(intValue("80")).toBe(80);
    expect(intValue("http")).toBe(0);
  });
});

describe("times", () => {
  it("prints seconds and microseconds", () => {
    expect(formatTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe("2026-01-02T03:04:05Z");
    expect(formatMicroTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678), 9)).toBe("2026-01-02T03:04:05.678009Z");
  });

  it("prints every day as the calendar has it", () => {
    for (let day = -719_000; day < 2_900_000; day += 373) {
      const ms = day * 86_400_000 + (day % 86_400) * 1000;
      expect(formatTime(ms)).toBe(`${new Date(ms).toISOString().slice(0, 19)}Z`);
    }
  });

  it.each([
    ["2026-01-02T03:04:05Z", Date.UTC(2026, 0, 2, 3, 4, 5)],
    ["2026-01-02T03:04:05.678901Z", Date.UTC(2026, 0, 2, 3, 4, 5, 678)],
    ["2026-01-02T05:04:05+02:00", Date.UTC(2026, 0, 2, 3, 4, 5)],
    ["0001-01-01T00:00:00Z", -62135596800000],
  ])("reads %s", (text, ms) => {
    expect(parseTime(text)).toBe(ms);
  });

  it.each([
    ["x", 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
    ["2026-13-01T00:00:00Z", 'parsing time "2026-13-01T00:00:00Z": month out of range'],
    ["2026-02-29T00:00:00Z", 'parsing time "2026-02-29T00:00:00Z": day out of range'],
    ["2026-01-01", 'parsing time "2026-01-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
  ])("refuses %j", (text, message) => {
    expect(() => parseTime(text)).toThrow(message);
    expect(tryParseTime(text)).toBeUndefined();
  });
});
