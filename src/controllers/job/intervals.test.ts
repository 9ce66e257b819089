import { describe, expect, it } from "vitest";
import {
  countCommon,
  countIntervals,
  firstMissing,
  formatIntervals,
  hasNumber,
  parseIntervals,
  withNumbers,
} from "./intervals.ts";

describe("intervals", () => {
  const texts: readonly (readonly [string, number, string, number])[] = [
    ["", 10, "", 0],
    ["0-3,5,7,8", 10, "0-3,5,7,8", 7],
    ["0,1,2", 10, "0-2", 3],
    ["0-9", 5, "0-4", 5],
    ["7", 5, "", 0],
    ["x,1-y,3", 10, "3", 1],
  ];
  for (const [text, limit, printed, count] of texts) {
    it(`read and print "${text}" below ${limit}`, () => {
      const parsed = parseIntervals(text, limit);
      expect([formatIntervals(parsed), countIntervals(parsed)]).toEqual([printed, count]);
    });
  }

  it("take single numbers in any order", () => {
    expect(formatIntervals(withNumbers(parseIntervals("2-4,8", 20), [9, 0, 5, 3]))).toBe("0,2-5,8,9");
  });

  it("answer questions", () => {
    const some = parseIntervals("1-3,6", 20);
    expect([0, 1, 3, 4, 6, 7].map((n) => hasNumber(some, n))).toEqual([false, true, true, false, true, false]);
    expect(countCommon(some, parseIntervals("0,2-6", 20))).toBe(3);
    expect(firstMissing(some, 4, 10)).toEqual([0, 4, 5, 7]);
    expect(firstMissing(some, 9, 7)).toEqual([0, 4, 5]);
  });
});
