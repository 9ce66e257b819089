import { describe, expect, it } from "vitest";
import { forEachBounded, slowStart } from "./bounded.ts";

describe("slowStart", () => {
  it("doubles its batches until all is done", async () => {
    let running = 0;
    const batches: number[] = [];
    const result = await slowStart(10, async () => {
      if (running++ === 0) batches.push(0);
      batches[batches.length - 1] = (batches.at(-1) ?? 0) + 1;
      await Promise.resolve();
      running--;
    });
    expect(batches).toEqual([1, 2, 4, 3]);
    expect(result).toEqual({ successes: 10 });
  });

  it("stops after the batch in which something failed", async () => {
    const tried: number[] = [];
    const result = await slowStart(100, async (i) => {
      tried.push(i);
      if (i === 2) throw new Error("no");
      await Promise.resolve();
    });
    expect(tried).toEqual([0, 1, 2]);
    expect(result.successes).toBe(2);
    expect(result.error).toEqual(new Error("no"));
  });

  it("does nothing for nothing", async () => {
    expect(await slowStart(0, () => Promise.reject(new Error("called")))).toEqual({ successes: 0 });
  });
});

describe("forEachBounded", () => {
  it("keeps to its limit, runs all and throws the failures", async () => {
    let [running, most, ran] = [0, 0, 0];
    const work = forEachBounded([1, 2, 3, 4, 5], 2, async (n) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      ran++;
      if (n % 2 === 0) throw new Error(`bad ${n}`);
    });
    await expect(work).rejects.toThrow("bad 2");
    expect([most, ran]).toEqual([2, 5]);
  });
});
