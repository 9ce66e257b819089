import { describe, expect, it } from "vitest";
import { KeyedBackoff } from "./backoff.ts";

describe("KeyedBackoff", () => {
  it("lets the first restart pass, then waits 10 s doubling to 5 min since the last end", () => {
    const backoff = new KeyedBackoff({ initialMs: 10_000, maxMs: 300_000 });
    let now = 0;
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      const due = backoff.dueAt("a", now, now);
      waits.push(due === undefined ? 0 : due - now);
      now = due ?? now;
      backoff.next("a", now, now);
    }
    expect(waits).toEqual([0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  });

  it("counts the time since the end, and starts over after ten quiet minutes", () => {
    const backoff = new KeyedBackoff({ initialMs: 10_000, maxMs: 300_000 });
    backoff.next("a", 0, 0);
    expect(backoff.dueAt("a", 1000, 5000)).toBe(11_000);
    expect(backoff.dueAt("a", 1000, 11_000)).toBeUndefined();
    expect(backoff.dueAt("a", 600_001, 600_001)).toBeUndefined();
    backoff.next("a", 600_001, 600_001);
    expect(backoff.delay("a")).toBe(10_000);
  });
});
