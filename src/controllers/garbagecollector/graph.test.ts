import { describe, expect, it } from "vitest";
import { type metav1, type Resource, resources } from "../../api/index.ts";
import type { AnyObject } from "../../client/index.ts";
import { meta } from "../fixtures/objects.ts";
import { Graph } from "./graph.ts";
import { judge, type OwnerState } from "./plan.ts";

const SETS = resources.replicasets as unknown as Resource<AnyObject>;
const PODS = resources.pods as unknown as Resource<AnyObject>;

function owned(by: string, parts: Partial<metav1.OwnerReference> = {}): metav1.OwnerReference {
  return { apiVersion: "apps/v1", kind: "ReplicaSet", name: by, uid: `uid-${by}`, blockOwnerDeletion: true, ...parts };
}

const object = (name: string, parts: Partial<metav1.ObjectMeta> = {}): AnyObject => ({ metadata: meta(name, parts) });

describe("Graph", () => {
  it("asks for a look at dependents whose owner goes", () => {
    const graph = new Graph();
    graph.complete();
    graph.observe(SETS, object("rs"));
    expect(graph.observe(PODS, object("p", { ownerReferences: [owned("rs")] })).attemptToDelete.size).toBe(0);
    expect([...graph.remove("uid-rs").attemptToDelete]).toEqual(["uid-p"]);
    expect(graph.size).toBe(1);
  });

  it("asks for a look at those with unseen owners, but only once it is complete", () => {
    const graph = new Graph();
    expect(graph.observe(PODS, object("p", { ownerReferences: [owned("rs")] })).attemptToDelete.size).toBe(0);
    expect(graph.observe(PODS, object("q", { ownerReferences: [owned("gone")] })).attemptToDelete.size).toBe(0);
    graph.observe(SETS, object("rs"));
    expect([...graph.complete().attemptToDelete]).toEqual(["uid-q"]);
    expect([...graph.observe(PODS, object("r", { ownerReferences: [owned("nowhere")] })).attemptToDelete]).toEqual([
      "uid-r",
    ]);
  });

  it("doubts references that name another object, whichever is seen first", () => {
    for (const wrong of [{ name: "other" }, { kind: "DaemonSet" }, { apiVersion: "batch/v1" }]) {
      const graph = new Graph();
      graph.complete();
      graph.observe(SETS, object("rs"));
      expect(graph.observe(PODS, object("p", { ownerReferences: [owned("rs", wrong)] })).attemptToDelete).toContain(
        "uid-p",
      );
      const late = new Graph();
      late.observe(PODS, object("p", { ownerReferences: [owned("rs", wrong)] }));
      expect(late.observe(SETS, object("rs")).attemptToDelete).toContain("uid-p");
    }
    const graph = new Graph();
    graph.observe(SETS, object("rs"));
    const change = graph.observe(PODS, object("p", { namespace: "other", ownerReferences: [owned("rs")] }));
    expect(change.misplaced).toHaveLength(1);
  });

  it("takes other versions of the owner's group as the same", () => {
    const graph = new Graph();
    graph.complete();
    graph.observe(SETS, object("rs"));
    const change = graph.observe(PODS, object("p", { ownerReferences: [owned("rs", { apiVersion: "apps/v1beta2" })] }));
    expect(change.attemptToDelete.size).toBe(0);
  });

  it("follows foreground deletion down and back up", () => {
    const graph = new Graph();
    graph.complete();
    graph.observe(SETS, object("rs"));
    graph.observe(PODS, object("p", { ownerReferences: [owned("rs")] }));
    graph.observe(PODS, object("q", { ownerReferences: [owned("rs", { blockOwnerDeletion: false })] }));
    const dying = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["foregroundDeletion"] };
    expect([...graph.observe(SETS, object("rs", dying)).attemptToDelete].toSorted()).toEqual([
      "uid-p",
      "uid-q",
      "uid-rs",
    ]);
    expect(graph.blockingDependents("uid-rs").map((node) => node.name)).toEqual(["p"]);
    expect([...graph.remove("uid-p").attemptToDelete]).toEqual(["uid-rs"]);
    expect(graph.blockingDependents("uid-rs")).toEqual([]);
  });

  it("asks for orphaning once", () => {
    const graph = new Graph();
    graph.observe(SETS, object("rs"));
    const dying = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["orphan"] };
    expect([...graph.observe(SETS, object("rs", dying)).attemptToOrphan]).toEqual(["uid-rs"]);
    expect(graph.observe(SETS, object("rs", dying)).attemptToOrphan.size).toBe(0);
  });

  it("looks at an owner that is no longer blocked", () => {
    const graph = new Graph();
    graph.complete();
    graph.observe(SETS, object("rs"));
    graph.observe(PODS, object("p", { ownerReferences: [owned("rs")] }));
    expect([...graph.observe(PODS, object("p")).attemptToDelete]).toEqual(["uid-rs"]);
    expect([...graph.dependents("uid-rs")]).toEqual([]);
  });
});

describe("judge", () => {
  const cases: readonly (readonly [string, OwnerState[], Partial<Parameters<typeof judge>[0]>, string[], unknown])[] = [
    ["keeps what has no owners", [], {}, [], { kind: "keep" }],
    ["keeps what has a solid owner", ["solid"], {}, [], { kind: "keep" }],
    [
      "releases from owners that are gone or wait",
      ["solid", "dangling", "waiting"],
      {},
      [],
      { kind: "release", drop: new Set(["uid-1", "uid-2"]) },
    ],
    [
      "deletes what has lost all",
      ["dangling", "dangling"],
      {},
      [],
      { kind: "delete", policy: "Background", unblock: false },
    ],
    [
      "deletes in the foreground under a waiting owner",
      ["waiting"],
      { hasDependents: true },
      [],
      { kind: "delete", policy: "Foreground", unblock: false },
    ],
    [
      "breaks circles",
      ["waiting"],
      { hasDependents: true, dependentWaits: true },
      [],
      { kind: "delete", policy: "Foreground", unblock: true },
    ],
    [
      "deletes leaves of a waiting owner in the background",
      ["waiting"],
      {},
      [],
      { kind: "delete", policy: "Background", unblock: false },
    ],
    ["honours an orphan finalizer", ["dangling"], {}, ["orphan"], { kind: "delete", policy: "Orphan", unblock: false }],
    [
      "honours a foreground finalizer",
      ["dangling"],
      {},
      ["foregroundDeletion"],
      { kind: "delete", policy: "Foreground", unblock: false },
    ],
  ];
  for (const [name, states, parts, finalizers, verdict] of cases) {
    it(name, () => {
      const owners = states.map((state, i) => ({ reference: owned(String(i), { uid: `uid-${i}` }), state }));
      const input = {
        object: object("x", { finalizers }),
        owners,
        hasDependents: false,
        dependentWaits: false,
        ...parts,
      };
      expect(judge(input)).toEqual(verdict);
    });
  }
});
