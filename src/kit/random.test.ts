import { describe, expect, it } from "vitest";
import { SeededRandom, SystemRandom } from "./random.ts";

describe("Random", () => {
  it("repeats itself for a seed", () => {
    const draw = (seed: number) => {
      const r = new SeededRandom(seed);
      return [r.float(), r.int(100), r.uuid(), r.suffix(5), [...r.bytes(4)]];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("gives version 4 UUIDs and names of the right alphabet", () => {
    for (const random of [new SystemRandom(), new SeededRandom(3)]) {
      expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(random.suffix(10)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
      expect(random.bytes(5000)).toHaveLength(5000);
      const float = random.float();
      expect(float >= 0 && float < 1).toBe(true);
    }
  });
});
