import { describe, expect, it } from "vitest";
import { crash, CrashViolation } from "./crash/harness.ts";
import { plants } from "./crash/plants.ts";

/** `K8TS_CRASH_CYCLES=10000` runs that many; see also `test/store/crash.ts`. */
const CYCLES = Number(process.env["K8TS_CRASH_CYCLES"] ?? 200);
const LANES = 2;
const seed = Number(process.env["K8TS_CRASH_SEED"] ?? Date.now() % 1e6);

describe("kill -9 of the embedded store", () => {
  it.for(Object.keys(plants))("the harness notices a store that %s", async (plant) => {
    await expect(crash({ cycles: 40, life: [30, 250], seed, plant })).rejects.toThrow(CrashViolation);
  });

  it(`loses nothing acknowledged in ${CYCLES} kills`, { timeout: 60_000 + CYCLES * 1000 }, async () => {
    const lane = (i: number): ReturnType<typeof crash> =>
      crash({ cycles: CYCLES / LANES, life: [5, 350], seed: seed + i });
    const reports = await Promise.all(Array.from({ length: LANES }, (_, i) => lane(i)));
    const acks = reports.reduce((sum, report) => sum + report.acks, 0);
    const opens = reports.flatMap((report) => report.opens).toSorted((a, b) => a - b);
    expect(opens.length).toBe(CYCLES);
    expect(acks).toBeGreaterThan(CYCLES * 50);
    expect(opens.at(Math.floor(opens.length * 0.99))).toBeLessThan(2000);
  });
});
