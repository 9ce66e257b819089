import { describe, expect, it } from "vitest";
import { at, EPOCH, pod } from "../fixtures/objects.ts";
import { estimateSeconds, namespaceConditions, podGraceSeconds, retryDelay } from "./plan.ts";

const NOTHING = { deletionFailures: [], remains: [] };

describe("namespaceConditions", () => {
  it("says that all is well", () => {
    const conditions = namespaceConditions(undefined, NOTHING, EPOCH);
    expect(conditions.map((c) => `${c.type} ${c.status} ${c.reason}`)).toEqual([
      "NamespaceDeletionDiscoveryFailure False ResourcesDiscovered",
      "NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions",
      "NamespaceDeletionContentFailure False ContentDeleted",
      "NamespaceContentRemaining False ContentRemoved",
      "NamespaceFinalizersRemaining False ContentHasNoFinalizers",
    ]);
    expect(namespaceConditions(conditions, NOTHING, EPOCH + 1000)).toBe(conditions);
  });

  it("names what remains, its finalizers and what failed", () => {
    const before = namespaceConditions(undefined, NOTHING, EPOCH);
    const after = namespaceConditions(
      before,
      {
        deletionFailures: ["b", "a"],
        discoveryFailure: "no answer",
        remains: [
          { resource: "widgets.example.com", count: 2, finalizers: { "x/y": 2 } },
          { resource: "pods.", count: 1, finalizers: { "x/y": 1, z: 1 } },
          { resource: "secrets.", count: 0, finalizers: {} },
        ],
      },
      EPOCH + 5000,
    );
    const text = (type: string) => after.find((c) => c.type === type)?.message;
    expect(text("NamespaceContentRemaining")).toBe(
      "Some resources are remaining: pods. has 1 resource instances, widgets.example.com has 2 resource instances",
    );
    expect(text("NamespaceFinalizersRemaining")).toBe(
      "Some content in the namespace has finalizers remaining: x/y in 3 resource instances, z in 1 resource instances",
    );
    expect(text("NamespaceDeletionContentFailure")).toBe("Failed to delete all resource types, 2 remaining: a, b");
    expect(text("NamespaceDeletionDiscoveryFailure")).toBe("no answer");
    const [discovery, parsing] = after;
    expect([discovery?.lastTransitionTime, parsing?.lastTransitionTime]).toEqual([at(5000), at(0)]);
  });
});

describe("estimates", () => {
  it("take the pods' grace, then a guess for finalizers", () => {
    const remains = { resource: "pods.", count: 1, finalizers: {} };
    expect(estimateSeconds(remains, 30)).toBe(30);
    expect(estimateSeconds(remains, 0)).toBe(0);
    expect(estimateSeconds({ ...remains, finalizers: { x: 1 } }, 0)).toBe(15);
    expect(estimateSeconds({ ...remains, count: 0 }, 30)).toBe(0);
    expect(retryDelay(15)).toBe(8000);
  });

  it("count the longest grace of running pods until it is over", () => {
    const pods = [
      pod("a", { spec: { terminationGracePeriodSeconds: 30 } }),
      pod("b", { spec: { terminationGracePeriodSeconds: 90 }, status: { phase: "Succeeded" } }),
    ];
    expect(podGraceSeconds(pods, EPOCH, EPOCH + 29_000)).toBe(30);
    expect(podGraceSeconds(pods, EPOCH, EPOCH + 30_000)).toBe(0);
  });
});
