import { describe, expect, it } from "vitest";
import type { corev1, storagev1 } from "../../api/index.ts";
import { at, EPOCH, meta, pod } from "../fixtures/objects.ts";
import { type AttachableVolume, attachmentName, needsVolumes, type NodeVolumes, planNode } from "./plan.ts";

const NOW = EPOCH;
const volumeOf = (name: string, shareable = false): AttachableVolume => ({
  name,
  driver: "disk",
  handle: `h-${name}`,
  shareable,
});
const unique = (name: string) => `kubernetes.io/csi/disk^h-${name}`;

function attachment(volume: string, attached = true): storagev1.VolumeAttachment {
  return {
    kind: "VolumeAttachment",
    apiVersion: "storage.k8s.io/v1",
    metadata: meta(`va-${volume}`),
    spec: { attacher: "disk", nodeName: "n1", source: { persistentVolumeName: volume } },
    status: { attached },
  };
}

function nodeOf(inUse: readonly string[], ready = true, taints: corev1.Taint[] = []): corev1.Node {
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: meta("n1"),
    spec: { taints },
    status: {
      volumesInUse: inUse.map(unique),
      conditions: [{ type: "Ready", status: ready ? "True" : "Unknown" }],
    },
  } as unknown as corev1.Node;
}

function plan(parts: Partial<NodeVolumes> & { readonly wants?: readonly AttachableVolume[] }) {
  const wanted = new Map((parts.wants ?? []).map((volume) => [volume.name, { volume, pods: [pod("p")] }]));
  const found = planNode({
    nodeName: "n1",
    node: nodeOf([]),
    attachments: new Map(),
    volume: (name) => volumeOf(name),
    elsewhere: () => [],
    unwantedSince: () => NOW,
    now: NOW,
    ...parts,
    wanted,
  });
  return {
    attach: found.attach.map(({ name }) => name),
    blocked: found.blocked.map(({ volume }) => volume.name),
    report: found.report.map(({ name }) => name),
    detach: found.detach.map(({ metadata }) => metadata.name),
    ...(found.recheck === undefined ? {} : { recheck: found.recheck }),
  };
}

const none = { attach: [], blocked: [], report: [], detach: [] };
const having = (...volumes: string[]) => new Map(volumes.map((name) => [name, attachment(name)]));

describe("planNode", () => {
  const outOfService: corev1.Taint = { key: "node.kubernetes.io/out-of-service", effect: "NoExecute" };
  const cases: readonly (readonly [string, Parameters<typeof plan>[0], Partial<ReturnType<typeof plan>>])[] = [
    ["attaches what is wanted", { wants: [volumeOf("a")] }, { attach: ["a"] }],
    [
      "waits until it is attached",
      { wants: [volumeOf("a")], attachments: new Map([["a", attachment("a", false)]]) },
      {},
    ],
    ["reports what is attached", { wants: [volumeOf("a")], attachments: having("a") }, { report: [unique("a")] }],
    ["waits for other nodes", { wants: [volumeOf("a")], elsewhere: () => ["n2"] }, { blocked: ["a"] }],
    ["shares what can be shared", { wants: [volumeOf("a", true)], elsewhere: () => ["n2"] }, { attach: ["a"] }],
    ["detaches what is not wanted", { attachments: having("a") }, { detach: ["va-a"] }],
    ["waits while it is in use", { attachments: having("a"), node: nodeOf(["a"]) }, { report: [unique("a")] }],
    [
      "takes it from lost nodes after a while",
      { attachments: having("a"), node: nodeOf(["a"], false) },
      { report: [unique("a")], recheck: 360_000 },
    ],
    [
      "takes it by force then",
      { attachments: having("a"), node: nodeOf(["a"], false), unwantedSince: () => NOW - 400_000 },
      { detach: ["va-a"] },
    ],
    [
      "takes it at once from nodes out of service",
      { attachments: having("a"), node: nodeOf(["a"], true, [outOfService]) },
      { detach: ["va-a"] },
    ],
    ["takes it from nodes that are gone", { attachments: having("a"), node: undefined }, { detach: ["va-a"] }],
  ];
  for (const [name, parts, expected] of cases) {
    it(name, () => expect(plan(parts)).toEqual({ ...none, ...expected }));
  }
});

describe("needsVolumes", () => {
  const state = (running: boolean) => (running ? { running: {} } : { terminated: { exitCode: 0 } });
  const status = (running: boolean) =>
    ({ containerStatuses: [{ name: "main", state: state(running) }] }) as unknown as corev1.PodStatus;
  const deletion = { deletionTimestamp: at(0) };
  it("lasts until the containers have stopped", () => {
    expect(needsVolumes(pod("p"))).toBe(true);
    expect(needsVolumes(pod("p", { status: { phase: "Failed" } }))).toBe(false);
    expect(needsVolumes(pod("p", { metadata: deletion, status: status(true) }))).toBe(true);
    expect(needsVolumes(pod("p", { metadata: deletion, status: status(false) }))).toBe(false);
  });
});

describe("attachmentName", () => {
  it("is upstream's", () => {
    const name = attachmentName({ name: "pv", driver: "test.csi", handle: "vol-1", shareable: false }, "node-1");
    expect(name).toMatch(/^csi-[0-9a-f]{64}$/);
    expect(attachmentName({ name: "x", driver: "test.csi", handle: "vol-1", shareable: true }, "node-1")).toBe(name);
  });
});
