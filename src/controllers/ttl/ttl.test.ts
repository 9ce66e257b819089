import { describe, expect, it } from "vitest";
import { stepFor } from "./index.ts";

describe("stepFor", () => {
  it("goes up and down with overlap", () => {
    expect(stepFor(100, 0)).toBe(0);
    expect(stepFor(101, 0)).toBe(1);
    expect(stepFor(95, 1)).toBe(1);
    expect(stepFor(89, 1)).toBe(0);
    expect(stepFor(5000, 0)).toBe(4);
    expect(stepFor(0, 4)).toBe(0);
  });
});
