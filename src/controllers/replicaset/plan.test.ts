import { describe, expect, it } from "vitest";
import { EPOCH, pod, replicaSet } from "../fixtures/objects.ts";
import { planReplicas, type ReplicaOwner, replicaStatus } from "./plan.ts";

const pods = (count: number) => Array.from({ length: count }, (_, i) => pod(`p${i}`));

function owner(replicas: number, minReadySeconds = 0): ReplicaOwner {
  const set = replicaSet("rs", replicas);
  return { ...set, spec: { ...set.spec, replicas, minReadySeconds } };
}

describe("planReplicas", () => {
  const cases: readonly (readonly [desired: number, active: number, create: number, remove: number])[] = [
    [3, 3, 0, 0],
    [3, 1, 2, 0],
    [1, 3, 0, 2],
    [0, 3, 0, 3],
    [1000, 0, 500, 0],
    [0, 700, 0, 500],
  ];
  for (const [desired, active, create, remove] of cases) {
    it(`${active} of ${desired}: creates ${create}, deletes ${remove}`, () => {
      const all = pods(active);
      const plan = planReplicas(desired, all, () => all, EPOCH);
      expect([plan.create, plan.remove.length]).toEqual([create, remove]);
    });
  }

  it("does not ask for related pods when all must go", () => {
    const all = pods(2);
    const plan = planReplicas(0, all, () => expect.unreachable(), EPOCH);
    expect(plan.remove).toEqual(all);
  });
});

describe("replicaStatus", () => {
  it("counts labeled, ready and available pods", () => {
    const active = [
      pod("old", { metadata: { labels: { app: "demo" } } }),
      pod("fresh", { ready: 25_000 }),
      pod("unready", { ready: false }),
    ];
    const status = replicaStatus({ owner: owner(3, 10), active, terminating: 1, now: EPOCH + 30_000 });
    expect(status).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 1,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 1,
    });
  });

  it("reports failures once and clears them", () => {
    const failed = replicaStatus({ owner: owner(3), active: pods(1), failure: "no room", now: EPOCH });
    expect(failed.conditions).toEqual([
      {
        type: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        message: "no room",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ]);
    const again = { ...owner(3), status: failed };
    expect(replicaStatus({ owner: again, active: pods(1), failure: "other", now: EPOCH + 1e4 }).conditions).toEqual(
      failed.conditions,
    );
    expect(replicaStatus({ owner: again, active: pods(1), now: EPOCH }).conditions).toBeUndefined();
    expect(
      replicaStatus({ owner: owner(1), active: pods(3), failure: "stuck", now: EPOCH }).conditions?.[0]?.reason,
    ).toBe("FailedDelete");
  });
});
