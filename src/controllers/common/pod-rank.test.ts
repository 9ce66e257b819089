import { describe, expect, it } from "vitest";
import { EPOCH, at, pod, type PodParts } from "../fixtures/objects.ts";
import { deletionOrder } from "./pod-rank.ts";

const NOW = EPOCH + 1_000_000;

function first(a: PodParts, b: PodParts): string | undefined {
  const pods = [pod("a", a), pod("b", b)];
  return deletionOrder(pods, [], NOW)[0]?.metadata.name;
}

describe("deletionOrder", () => {
  const cases: readonly (readonly [string, PodParts, PodParts])[] = [
    ["unassigned before assigned", { spec: { nodeName: "" } }, {}],
    ["pending before running", { status: { phase: "Pending" } }, {}],
    ["not ready before ready", { ready: false }, {}],
    [
      "cheaper before dearer",
      { metadata: { annotations: { "controller.kubernetes.io/pod-deletion-cost": "-5" } } },
      {},
    ],
    ["ready for a shorter time first", { ready: 999_000 }, { ready: 0 }],
    [
      "more restarts first",
      { status: { containerStatuses: [{ name: "x", restartCount: 3 } as never] } },
      { status: { containerStatuses: [{ name: "x", restartCount: 1 } as never] } },
    ],
    ["younger first", { ready: false, metadata: { creationTimestamp: at(999_000) } }, { ready: false }],
  ];
  for (const [name, sooner, later] of cases) {
    const common = { conditions: undefined } as never;
    it(name, () => {
      void common;
      expect(first(sooner, later)).toBe("a");
      expect(first(later, sooner)).toBe("b");
    });
  }

  it("takes pods from crowded nodes first", () => {
    const pods = [pod("a"), pod("b", { spec: { nodeName: "node-2" } })];
    const related = [pod("x", { spec: { nodeName: "node-2" } }), ...pods];
    expect(deletionOrder(pods, related, NOW)[0]?.metadata.name).toBe("b");
  });

  it("counts ages of the same magnitude as equal and goes by uid", () => {
    expect(first({ ready: 1_000 }, { ready: 2_000 })).toBe("a");
    expect(first({ ready: 2_000 }, { ready: 1_000 })).toBe("a");
  });

  it("ignores a cost that is no int32", () => {
    const bad = { metadata: { annotations: { "controller.kubernetes.io/pod-deletion-cost": "+5" } } };
    expect(first(bad, {})).toBe("a");
  });

  it("leaves its input alone", () => {
    const pods = Object.freeze([pod("a", { ready: 0 }), pod("b", { ready: false })]);
    expect(deletionOrder(pods, [], NOW).map((p) => p.metadata.name)).toEqual(["b", "a"]);
    expect(pods.map((p) => p.metadata.name)).toEqual(["a", "b"]);
  });
});
