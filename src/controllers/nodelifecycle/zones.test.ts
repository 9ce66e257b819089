import { describe, expect, it } from "vitest";
import { Zones, zoneState } from "./zones.ts";

const RULES = {
  unhealthyZoneThreshold: 0.55,
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  largeClusterSizeThreshold: 50,
};

function zones(counts: Record<string, readonly [ready: number, lost: number]>): Zones {
  const all = new Zones(RULES);
  for (const [zone, [ready, lost]] of Object.entries(counts)) {
    for (let i = 0; i < ready + lost; i++) all.set(`${zone}-${i}`, zone, i < ready);
  }
  return all;
}

describe("zoneState", () => {
  const cases = [
    [3, 0, "Normal"],
    [0, 1, "FullDisruption"],
    [1, 2, "Normal"],
    [2, 3, "PartialDisruption"],
    [3, 3, "Normal"],
    [0, 0, "Normal"],
  ] as const;
  for (const [ready, lost, state] of cases) {
    it(`${ready} ready, ${lost} lost: ${state}`, () => expect(zoneState(ready, lost, 0.55)).toBe(state));
  }
});

describe("Zones", () => {
  it("evict nobody when all zones are lost, and go on when one is back", () => {
    const all = zones({ a: [1, 0], b: [1, 0] });
    expect(all.update()).toMatchObject({ enteredFull: false, leftFull: false });
    all.set("a-0", "a", false);
    expect(all.update().enteredFull).toBe(false);
    expect(all.rate("a")).toBe(0.1);
    all.set("b-0", "b", false);
    const lost = all.update();
    expect(lost.enteredFull).toBe(true);
    expect(Object.fromEntries(lost.rates)).toEqual({ a: 0, b: 0 });
    expect(all.allLost).toBe(true);
    all.set("b-0", "b", true);
    const back = all.update();
    expect(back).toMatchObject({ enteredFull: false, leftFull: true });
    expect(all.rate("a")).toBe(0.1);
  });

  it("slow down in a large disturbed zone and stop in a small one", () => {
    const all = zones({ small: [2, 5], large: [20, 40] });
    all.update();
    expect(all.rate("small")).toBe(0);
    expect(all.rate("large")).toBe(0.01);
  });

  it("follow nodes that move and go", () => {
    const all = zones({ a: [0, 1] });
    expect(all.update().enteredFull).toBe(true);
    all.set("a-0", "b", true);
    expect(all.update().leftFull).toBe(true);
    all.delete("a-0");
    expect(all.update()).toMatchObject({ enteredFull: false, leftFull: false });
  });
});
