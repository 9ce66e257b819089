import { describe, expect, it } from "vitest";
import { selectorFromMap } from "../../machinery/index.ts";
import { controlledBy, pod, replicaSet } from "../fixtures/objects.ts";
import { planClaims, splitKey } from "./claims.ts";

const owner = replicaSet("mine", 1);
const selector = selectorFromMap({ app: "demo" });
const labels = { app: "demo" };

describe("planClaims", () => {
  const names = (pods: readonly { metadata: { name: string } }[]): string[] => pods.map((p) => p.metadata.name);

  it("sorts by owner and selector", () => {
    const claims = planClaims(owner, selector, [
      pod("mine", { metadata: { labels, ownerReferences: [controlledBy(owner)] } }),
      pod("mine-unselected", { metadata: { ownerReferences: [controlledBy(owner)] } }),
      pod("orphan", { metadata: { labels } }),
      pod("orphan-unselected"),
      pod("orphan-dying", { metadata: { labels, deletionTimestamp: "2026-01-01T00:00:00Z" } }),
      pod("orphan-elsewhere", { metadata: { labels, namespace: "other" } }),
      pod("others", { metadata: { labels, ownerReferences: [controlledBy(replicaSet("other", 1))] } }),
    ]);
    expect(names(claims.owned)).toEqual(["mine"]);
    expect(names(claims.adopt)).toEqual(["orphan"]);
    expect(names(claims.release)).toEqual(["mine-unselected"]);
  });

  it("neither adopts nor releases for an owner that is being deleted", () => {
    const dying = replicaSet("mine", 1, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });
    const claims = planClaims(dying, selector, [
      pod("mine", { metadata: { labels, ownerReferences: [controlledBy(dying)] } }),
      pod("mine-unselected", { metadata: { ownerReferences: [controlledBy(dying)] } }),
      pod("orphan", { metadata: { labels } }),
    ]);
    expect([names(claims.owned), names(claims.adopt), names(claims.release)]).toEqual([["mine"], [], []]);
  });
});

describe("splitKey", () => {
  it("takes cluster-scoped keys too", () => {
    expect(splitKey("a/b")).toEqual({ namespace: "a", name: "b" });
    expect(splitKey("b")).toEqual({ namespace: "", name: "b" });
  });
});
