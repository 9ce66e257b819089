import { describe, expect, it } from "vitest";
import type { appsv1, corev1 } from "../../api/index.ts";
import { at, EPOCH, meta, pod, type PodParts, template } from "../fixtures/objects.ts";
import { daemonTemplate, daemonTolerations, type Placement, placementOn, targetNode } from "./daemon-pod.ts";
import { type DaemonSituation, daemonStatus, planDaemons } from "./plan.ts";

function daemonSet(
  rolling?: appsv1.RollingUpdateDaemonSet,
  spec: Partial<appsv1.DaemonSetSpec> = {},
): appsv1.DaemonSet {
  return {
    kind: "DaemonSet",
    apiVersion: "apps/v1",
    metadata: meta("ds"),
    spec: {
      selector: { matchLabels: { app: "demo" } },
      template: template(),
      updateStrategy: rolling === undefined ? { type: "OnDelete" } : { type: "RollingUpdate", rollingUpdate: rolling },
      ...spec,
    },
    status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
  };
}

const YES: Placement = { run: true, stay: true };
const NO: Placement = { run: false, stay: false };
const STAY: Placement = { run: false, stay: true };

const on = (name: string, node: string, hash: string, parts: PodParts = {}) =>
  pod(name, {
    ...parts,
    metadata: { labels: { "controller-revision-hash": hash }, ...parts.metadata },
    spec: { nodeName: node, ...parts.spec },
  });

function plan(parts: Partial<DaemonSituation>) {
  const { create, remove, ended, checkIn } = planDaemons({
    set: daemonSet({ maxUnavailable: 1 }),
    nodes: new Map([
      ["a", YES],
      ["b", YES],
      ["c", YES],
    ]),
    pods: [],
    hash: "new",
    now: EPOCH + 60_000,
    failedPodDelay: () => 0,
    ...parts,
  });
  return { create, remove: remove.map((p) => p.metadata.name), ended: ended.map((e) => e.pod.metadata.name), checkIn };
}

describe("planDaemons", () => {
  it("puts a pod on every node, and takes them from nodes that do not fit", () => {
    expect(plan({ pods: [on("a1", "a", "new")] }).create).toEqual(["b", "c"]);
    const nodes = new Map([
      ["a", NO],
      ["b", STAY],
      ["c", STAY],
    ]);
    const moved = plan({ nodes, pods: [on("a1", "a", "new"), on("b1", "b", "new")] });
    expect([moved.create, moved.remove]).toEqual([[], ["a1"]]);
  });

  it("keeps the oldest of several, scheduled ones first", () => {
    const pods = [
      on("young", "a", "new", { metadata: { creationTimestamp: at(5000) } }),
      on("old", "a", "new"),
      on("b1", "b", "new"),
      on("c1", "c", "new"),
    ];
    expect(plan({ pods }).remove).toEqual(["young"]);
  });

  it("replaces pods that ended, failed ones with a pause", () => {
    const pods = [
      on("a1", "a", "new", { status: { phase: "Failed" } }),
      on("b1", "b", "new", { status: { phase: "Succeeded" } }),
      on("c1", "c", "new"),
    ];
    expect(plan({ pods })).toMatchObject({ remove: ["a1", "b1"], ended: ["a1", "b1"] });
    expect(plan({ pods, failedPodDelay: () => 800 })).toMatchObject({ remove: ["b1"], checkIn: 800 });
  });

  it("takes unscheduled pods of nodes that are gone", () => {
    const pinned = daemonTemplate(daemonSet(), "new", "gone").spec;
    const lost = pod("lost", { spec: { ...pinned, nodeName: "" } });
    const all = [lost, on("a1", "a", "new"), on("b1", "b", "new"), on("c1", "c", "new")];
    expect(targetNode(lost)).toBe("gone");
    expect(plan({ pods: all }).remove).toEqual(["lost"]);
  });

  it("updates within what may be unavailable", () => {
    const old = [on("a1", "a", "old"), on("b1", "b", "old"), on("c1", "c", "old")];
    expect(plan({ pods: old }).remove).toEqual(["a1"]);
    expect(plan({ pods: old, set: daemonSet({ maxUnavailable: "50%" }) }).remove).toEqual(["a1", "b1"]);
    const waiting = [on("a2", "a", "new", { ready: false }), ...old.slice(1)];
    expect(plan({ pods: waiting }).remove).toEqual([]);
    const broken = [on("a2", "a", "new"), on("b1", "b", "old", { ready: false }), on("c1", "c", "old")];
    expect(plan({ pods: broken }).remove).toEqual(["b1"]);
    expect(plan({ pods: old, set: daemonSet() }).remove).toEqual([]);
    expect(plan({ pods: old, set: daemonSet({ maxUnavailable: 0 }) }).remove).toEqual(["a1"]);
  });

  it("surges: new pods first, old ones go when the new serve", () => {
    const set = daemonSet({ maxSurge: 1, maxUnavailable: 0 });
    const old = [on("a1", "a", "old"), on("b1", "b", "old"), on("c1", "c", "old")];
    expect(plan({ set, pods: old })).toMatchObject({ create: ["a"], remove: [] });
    const surging = [...old, on("a2", "a", "new", { ready: false })];
    expect(plan({ set, pods: surging })).toMatchObject({ create: [], remove: [] });
    const served = [...old, on("a2", "a", "new")];
    expect(plan({ set, pods: served }).remove).toEqual(["a1"]);
    const broken = [on("a1", "a", "old", { ready: false }), ...old.slice(1)];
    expect(plan({ set, pods: broken }).create).toEqual(["a", "b"]);
  });
});

describe("daemonStatus", () => {
  it("counts by node", () => {
    const nodes = new Map([
      ["a", YES],
      ["b", YES],
      ["c", NO],
    ]);
    const pods = [on("a1", "a", "new", { ready: 55_000 }), on("c1", "c", "old")];
    const set = daemonSet(undefined, { minReadySeconds: 10 });
    expect(daemonStatus({ set, nodes, pods, hash: "new", now: EPOCH + 60_000 })).toEqual({
      desiredNumberScheduled: 2,
      currentNumberScheduled: 1,
      numberMisscheduled: 1,
      numberReady: 1,
      updatedNumberScheduled: 1,
      numberUnavailable: 2,
      observedGeneration: 1,
    });
  });
});

describe("daemon pods", () => {
  const node = (labels: Record<string, string>, taints: corev1.Taint[] = []): corev1.Node =>
    ({
      kind: "Node",
      apiVersion: "v1",
      metadata: meta("n", { labels }),
      spec: { taints },
      status: {},
    }) as unknown as corev1.Node;

  it("tolerate the troubles of nodes", () => {
    expect(daemonTolerations({ containers: [] })).toHaveLength(6);
    expect(daemonTolerations({ containers: [], hostNetwork: true })).toHaveLength(7);
    const own = {
      key: "node.kubernetes.io/not-ready",
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 5,
    } as const;
    expect(daemonTolerations({ containers: [], tolerations: [own] })[0]?.tolerationSeconds).toBeUndefined();
  });

  it("go where selector, affinity and taints allow", () => {
    const set = daemonSet(undefined, {
      template: {
        ...template(),
        spec: {
          containers: [],
          nodeSelector: { disk: "ssd" },
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: "cores", operator: "Gt", values: ["4"] }] }],
              },
            },
          },
        },
      },
    });
    expect(placementOn(set, node({ disk: "ssd", cores: "8" }))).toEqual(YES);
    expect(placementOn(set, node({ disk: "ssd", cores: "4" }))).toEqual(NO);
    expect(placementOn(set, node({ cores: "8" }))).toEqual(NO);
    const fit = { disk: "ssd", cores: "8" };
    expect(placementOn(set, node(fit, [{ key: "x", effect: "NoSchedule" }]))).toEqual(STAY);
    expect(placementOn(set, node(fit, [{ key: "x", effect: "NoExecute" }]))).toEqual(NO);
    expect(placementOn(set, node(fit, [{ key: "x", effect: "PreferNoSchedule" }]))).toEqual(YES);
    expect(placementOn(set, node(fit, [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }]))).toEqual(YES);
  });
});
