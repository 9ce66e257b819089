import { describe, expect, it } from "vitest";
import { at, pod } from "../fixtures/objects.ts";
import { isUnscheduledTerminating, surplusFinished } from "./plan.ts";

describe("surplusFinished", () => {
  it("takes evicted pods first, then the oldest", () => {
    const pods = [
      pod("young", { metadata: { creationTimestamp: at(9000) }, status: { phase: "Succeeded" } }),
      pod("old", { metadata: { creationTimestamp: at(1000) }, status: { phase: "Failed" } }),
      pod("evicted", { metadata: { creationTimestamp: at(5000) }, status: { phase: "Failed", reason: "Evicted" } }),
    ];
    expect(surplusFinished(pods, 1).map((p) => p.metadata.name)).toEqual(["evicted", "old"]);
    expect(surplusFinished(pods, 3)).toEqual([]);
    expect(surplusFinished(pods, 0)).toEqual([]);
  });
});

describe("isUnscheduledTerminating", () => {
  it("needs both", () => {
    const dying = { deletionTimestamp: at(0) };
    expect(isUnscheduledTerminating(pod("a", { metadata: dying, spec: { nodeName: "" } }))).toBe(true);
    expect(isUnscheduledTerminating(pod("a", { metadata: dying }))).toBe(false);
    expect(isUnscheduledTerminating(pod("a", { spec: { nodeName: "" } }))).toBe(false);
  });
});
