import { describe, expect, it } from "vitest";
import type { policyv1 } from "../../api/index.ts";
import { at, EPOCH, meta, pod } from "../fixtures/objects.ts";
import { budgetStatus, countHealthy, disruptedPods, failedStatus, needOf, needsScale, targetExpiry } from "./plan.ts";

const MINUTE = 60_000;

function budget(
  spec: policyv1.PodDisruptionBudgetSpec,
  status: Partial<policyv1.PodDisruptionBudgetStatus> = {},
): policyv1.PodDisruptionBudget {
  return {
    kind: "PodDisruptionBudget",
    apiVersion: "policy/v1",
    metadata: meta("pdb"),
    spec,
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...status },
  };
}

describe("needOf", () => {
  const cases: readonly (readonly [policyv1.PodDisruptionBudgetSpec, boolean, number, number])[] = [
    [{ minAvailable: 3 }, false, 4, 3],
    [{ minAvailable: "28%" }, true, 10, 3],
    [{ maxUnavailable: 3 }, true, 10, 7],
    [{ maxUnavailable: "25%" }, true, 10, 7],
    [{ maxUnavailable: 20 }, true, 10, 0],
    [{}, false, 0, 0],
  ];
  for (const [spec, scaled, expected, healthy] of cases) {
    it(JSON.stringify(spec), () => {
      expect(needsScale(budget(spec))).toBe(scaled);
      expect(needOf(budget(spec), 4, 10)).toEqual({ expected, healthy });
    });
  }
});

describe("budgetStatus", () => {
  const statusOf = (expected: number, healthy: number, needed: number) =>
    budgetStatus(budget({ minAvailable: 1 }), { expected, healthy: needed }, healthy, {}, EPOCH);

  it("allows what is healthy beyond the need", () => {
    expect(statusOf(4, 4, 3)).toEqual({
      observedGeneration: 1,
      disruptionsAllowed: 1,
      currentHealthy: 4,
      desiredHealthy: 3,
      expectedPods: 4,
      conditions: [
        {
          type: "DisruptionAllowed",
          status: "True",
          reason: "SufficientPods",
          message: "",
          observedGeneration: 1,
          lastTransitionTime: at(0),
        },
      ],
    });
    expect(statusOf(4, 2, 3).disruptionsAllowed).toBe(0);
    expect(statusOf(4, 2, 3).conditions?.[0]).toMatchObject({ status: "False", reason: "InsufficientPods" });
  });

  it("allows nothing while no pods are expected", () => {
    expect(statusOf(0, 2, 0).disruptionsAllowed).toBe(0);
  });

  it("is the same when nothing changes", () => {
    const same = budget({}, statusOf(4, 4, 3));
    expect(budgetStatus(same, { expected: 4, healthy: 3 }, 4, {}, EPOCH + 1)).toBe(same.status);
  });

  it("allows nothing after a failure", () => {
    const status = failedStatus(budget({}, statusOf(4, 4, 3)), "boom", EPOCH + MINUTE);
    expect(status.disruptionsAllowed).toBe(0);
    expect(status.conditions?.[0]).toMatchObject({
      reason: "SyncFailed",
      message: "boom",
      lastTransitionTime: at(MINUTE),
    });
  });
});

describe("disruptedPods", () => {
  it("keeps evictions that may still show, and counts those pods out", () => {
    const pods = [
      pod("fresh"),
      pod("late"),
      pod("going", { metadata: { deletionTimestamp: at(0) } }),
      pod("other"),
      pod("unready", { ready: false }),
    ];
    const list = { fresh: at(4 * MINUTE), late: at(0), going: at(4 * MINUTE), gone: at(4 * MINUTE) };
    const now = EPOCH + 5 * MINUTE;
    const found = disruptedPods(budget({}, { disruptedPods: list }), pods, now);
    expect(found.pods).toEqual({ fresh: at(4 * MINUTE) });
    expect(found.recheck).toBe(MINUTE);
    expect(found.notDeleted.map(({ metadata }) => metadata.name)).toEqual(["late"]);
    expect(countHealthy(pods, found.pods, now)).toBe(2);
  });
});

describe("targetExpiry", () => {
  const target = (reason: string, parts: Parameters<typeof pod>[1] = {}) => {
    const condition = { type: "DisruptionTarget", status: "True" as const, reason, lastTransitionTime: at(0) };
    return pod("p", { ...parts, status: { ...parts.status, conditions: [condition] } });
  };
  it("gives evictions two minutes", () => {
    expect(targetExpiry(target("EvictionByEvictionAPI"), EPOCH + MINUTE)).toBe(MINUTE);
    expect(targetExpiry(target("EvictionByEvictionAPI"), EPOCH + 5 * MINUTE)).toBe(0);
    expect(targetExpiry(target("TerminationByKubelet"), EPOCH)).toBeUndefined();
    expect(targetExpiry(target("x", { metadata: { deletionTimestamp: at(0) } }), EPOCH)).toBeUndefined();
    expect(targetExpiry(pod("p"), EPOCH)).toBeUndefined();
  });
});
