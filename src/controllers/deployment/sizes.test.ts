import { describe, expect, it } from "vitest";
import { at, deployment, replicaSet } from "../fixtures/objects.ts";
import { DESIRED_REPLICAS, MAX_REPLICAS } from "./annotations.ts";
import {
  activeOrLatest,
  fenceposts,
  isSaturated,
  maxUnavailable,
  newSetSize,
  proportionalSizes,
  shrinkOldSets,
} from "./sizes.ts";

type Bound = number | string;

function rolling(replicas: number, maxSurge: Bound, maxUnavailable: Bound) {
  return deployment({ replicas, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } });
}

describe("fenceposts", () => {
  const cases: readonly (readonly [number, Bound, Bound, number, number])[] = [
    [2, "0%", "1%", 0, 1],
    [1, "0%", "1%", 0, 1],
    [2, "1%", "25%", 1, 0],
    [10, "25%", "25%", 3, 2],
    [4, 0, 0, 0, 1],
    [4, 2, 1, 2, 1],
  ];
  for (const [desired, s, u, surge, unavailable] of cases) {
    it(`${desired} replicas, surge ${s}, unavailable ${u}`, () => {
      expect(fenceposts(rolling(desired, s, u))).toEqual({ surge, unavailable });
    });
  }

  it("never lets more be unavailable than there are", () => {
    expect(maxUnavailable(rolling(2, 0, 5))).toBe(2);
    expect(maxUnavailable(deployment({ strategy: { type: "Recreate" } }))).toBe(0);
  });

  it("refuses what is no size", () => {
    expect(() => fenceposts(rolling(2, "many", 0))).toThrow("string is not a percentage");
  });
});

describe("newSetSize", () => {
  const cases: readonly (readonly [desired: number, surge: Bound, old: number, current: number, size: number])[] = [
    [3, 1, 3, 0, 1],
    [3, 1, 2, 1, 2],
    [3, 0, 3, 0, 0],
    [3, 0, 0, 0, 3],
    [10, "25%", 10, 0, 3],
    [10, "100%", 10, 0, 10],
  ];
  for (const [desired, surge, old, current, size] of cases) {
    it(`${desired} wanted, surge ${surge}, ${old} old, ${current} new: ${size}`, () => {
      const all = [replicaSet("old", old), replicaSet("new", current)];
      expect(newSetSize(rolling(desired, surge, 1), all, current)).toBe(size);
    });
  }

  it("is everything at once for Recreate", () => {
    expect(newSetSize(deployment({ strategy: { type: "Recreate" } }), [replicaSet("old", 3)], 0)).toBe(3);
  });
});

describe("proportionalSizes", () => {
  const sized = (name: string, replicas: number, max: number, age = 0) =>
    replicaSet(name, replicas, {
      metadata: { annotations: { [MAX_REPLICAS]: String(max) }, creationTimestamp: at(age) },
    });
  const cases: readonly (readonly [string, number, number, readonly number[], Record<string, number>])[] = [
    ["scales up in proportion", 10, 20, [5, 5], { r0: 10, r1: 10 }],
    ["gives leftovers to the largest", 10, 14, [6, 4], { r0: 8, r1: 6 }],
    ["scales down in proportion", 10, 5, [8, 2], { r0: 4, r1: 1 }],
    ["takes all when nothing is wanted", 10, 0, [8, 2], { r0: 0, r1: 0 }],
    ["keeps sizes that already fit", 10, 10, [8, 2], { r0: 8, r1: 2 }],
  ];
  for (const [name, before, desired, sizes, expected] of cases) {
    it(name, () => {
      const sets = sizes.map((size, i) => sized(`r${i}`, size, before, i * 1000));
      const result = proportionalSizes(rolling(desired, 0, 1), sets);
      expect(Object.fromEntries(result.map(({ set, to }) => [set.metadata.name, to]))).toEqual(expected);
    });
  }

  it("scales the newer of equals up first, the older down first", () => {
    const sets = [sized("older", 1, 2, 0), sized("newer", 1, 2, 1000)];
    const up = proportionalSizes(rolling(3, 0, 1), sets);
    expect(up[0]?.set.metadata.name).toBe("newer");
    const down = proportionalSizes(rolling(1, 0, 1), sets);
    expect(down[0]?.set.metadata.name).toBe("older");
  });
});

describe("shrinkOldSets", () => {
  const old = (replicas: number, available: number) => [
    replicaSet("old", replicas, { status: { availableReplicas: available } }),
  ];
  const cases: readonly (readonly [string, number, number, number, number, number, number, number | undefined])[] = [
    // desired, unavailable, old, old available, new, new available, old size after
    ["waits for new pods", 3, 0, 3, 3, 1, 0, undefined],
    ["goes one down for one available new pod", 3, 0, 3, 3, 1, 1, 2],
    ["uses what may be unavailable", 3, 1, 3, 3, 0, 0, 2],
    ["drops unhealthy pods first and only as many as allowed", 10, 2, 10, 5, 0, 0, 8],
    ["drops unhealthy ones although too few are available", 3, 0, 3, 1, 1, 1, 2],
  ];
  for (const [name, desired, unavailable, o, oa, n, na, expected] of cases) {
    it(name, () => {
      const newest = replicaSet("new", n, { status: { availableReplicas: na } });
      const result = shrinkOldSets(rolling(desired, 1, unavailable), newest, old(o, oa));
      expect(result[0]?.to).toBe(expected);
    });
  }
});

describe("activeOrLatest and isSaturated", () => {
  it("finds the only active set, or the newest", () => {
    const [a, b] = [replicaSet("a", 0), replicaSet("b", 2, { metadata: { creationTimestamp: at(1000) } })];
    expect(activeOrLatest(undefined, [])).toBeUndefined();
    expect(activeOrLatest(undefined, [a, b])).toBe(b);
    expect(activeOrLatest(a, [b])).toBe(b);
    expect(
      activeOrLatest(undefined, [a, replicaSet("c", 0, { metadata: { creationTimestamp: at(9000) } })])?.metadata.name,
    ).toBe("c");
    expect(activeOrLatest(replicaSet("n", 1), [b])).toBeUndefined();
  });

  it("needs size, annotation and availability to agree", () => {
    const full = replicaSet("n", 3, { metadata: { annotations: { [DESIRED_REPLICAS]: "3" } } });
    expect(isSaturated(deployment(), full)).toBe(true);
    expect(isSaturated(deployment(), replicaSet("n", 3))).toBe(false);
    expect(isSaturated(deployment(), undefined)).toBe(false);
  });
});
