import { describe, expect, it } from "vitest";
import { type corev1, type Draft, resources, type storagev1 } from "../../../api/index.ts";
import type { TestCluster } from "../../../testing/index.ts";
import { cluster, create, get, labelled, nodeOf, nodes, perNode, pod, whyPending } from "../../fixtures.fixture.ts";

const HOST = "kubernetes.io/hostname";
const BOUND = { "pv.kubernetes.io/bind-completed": "yes" };
const SELECTED = "volume.kubernetes.io/selected-node";

function using(name: string, ...claims: string[]): Draft<corev1.Pod> {
  const volumes = claims.map((claimName, i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName } }));
  return pod(name, { volumes });
}

async function storageClass(
  c: TestCluster,
  name: string,
  more: Partial<Draft<storagev1.StorageClass>> = {},
): Promise<void> {
  await c.client.resource(resources.storageclasses).create({
    metadata: { name },
    provisioner: "csi.example.com",
    volumeBindingMode: "WaitForFirstConsumer",
    ...more,
  });
}

async function volume(
  c: TestCluster,
  name: string,
  more: {
    readonly node?: string;
    readonly labels?: Record<string, string>;
    readonly size?: string;
    readonly spec?: Partial<corev1.PersistentVolumeSpec>;
  } = {},
): Promise<void> {
  const { node, labels = {}, size = "1Gi", spec = {} } = more;
  const match = { matchExpressions: [{ key: HOST, operator: "In" as const, values: [node ?? ""] }] };
  const made = await c.client.resource(resources.persistentvolumes).create({
    metadata: { name, labels },
    spec: {
      capacity: { storage: size },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "slow",
      csi: { driver: "csi.example.com", volumeHandle: name },
      ...(node && { nodeAffinity: { required: { nodeSelectorTerms: [match] } } }),
      ...spec,
    } as corev1.PersistentVolumeSpec,
  });
  await c.client
    .resource(resources.persistentvolumes)
    .update({ ...made, status: { phase: "Available" } }, { subresource: "status" });
}

async function claim(
  c: TestCluster,
  name: string,
  more: {
    readonly volumeName?: string;
    readonly size?: string;
    readonly className?: string;
    readonly mode?: string;
  } = {},
): Promise<void> {
  const { volumeName, size = "1Gi", className = "slow", mode = "ReadWriteOnce" } = more;
  await c.client.resource(resources.persistentvolumeclaims).create({
    metadata: { name, namespace: "default", annotations: volumeName ? BOUND : {} },
    spec: {
      accessModes: [mode as "ReadWriteOnce"],
      resources: { requests: { storage: size } },
      storageClassName: className,
      ...(volumeName && { volumeName }),
    },
  });
}

/** What the volume controller does once a volume is promised to a claim. */
async function completeBinding(c: TestCluster, name: string, volumeName: string): Promise<void> {
  const claims = c.client.resource(resources.persistentvolumeclaims);
  const body = { metadata: { annotations: BOUND }, spec: { volumeName } };
  await claims.patch({ namespace: "default", name }, { type: "merge", body });
  await c.settle();
}

async function ready(): Promise<TestCluster> {
  const c = await cluster();
  await nodes(c, ...["a", "b", "c"].map((name) => labelled(name, { "topology.kubernetes.io/zone": `z-${name}` })));
  await storageClass(c, "slow");
  return c;
}

describe("VolumeBinding", () => {
  it("puts a pod where its bound volume can be reached", async () => {
    await using c = await ready();
    await volume(c, "pv", { node: "b" });
    await claim(c, "data", { volumeName: "pv" });
    await create(c, using("db", "data"));
    expect(await nodeOf(c, "db")).toBe("b");
  });

  it("says what is wrong with claims", async () => {
    await using c = await ready();
    await storageClass(c, "now", { volumeBindingMode: "Immediate" });
    await claim(c, "unbound", { className: "now" });
    await claim(c, "lost", { volumeName: "gone" });
    await create(c, using("none", "missing"), using("early", "unbound"), using("orphan", "lost"));
    expect(await whyPending(c, "none")).toContain(
      `0/3 nodes are available: persistentvolumeclaim "missing" not found.`,
    );
    expect(await whyPending(c, "early")).toContain(
      "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    );
    expect(await whyPending(c, "orphan")).toContain(`persistentvolume "gone" not found`);
  });

  it("binds the smallest volume that will do, where it is, before the pod", async () => {
    await using c = await ready();
    await volume(c, "large", { node: "a", size: "10Gi" });
    await volume(c, "small", { node: "a", size: "2Gi" });
    await volume(c, "tiny", { node: "b", size: "500Mi" });
    await storageClass(c, "static", { provisioner: "kubernetes.io/no-provisioner" });
    for (const name of ["large", "small", "tiny"]) {
      const body = { spec: { storageClassName: "static" } };
      await c.client.resource(resources.persistentvolumes).patch({ name }, { type: "merge", body });
    }
    await claim(c, "data", { className: "static" });
    await create(c, using("db", "data"));
    expect(await nodeOf(c, "db")).toBeUndefined();
    const chosen = await c.client.resource(resources.persistentvolumes).get({ name: "small" });
    expect(chosen.spec.claimRef).toMatchObject({ kind: "PersistentVolumeClaim", namespace: "default", name: "data" });
    expect(chosen.metadata.annotations).toMatchObject({ "pv.kubernetes.io/bound-by-controller": "yes" });
    await completeBinding(c, "data", "small");
    expect(await nodeOf(c, "db")).toBe("a");
  });

  it("does not give two pods the same volume", async () => {
    await using c = await ready();
    await storageClass(c, "static", { provisioner: "kubernetes.io/no-provisioner" });
    await volume(c, "only", { node: "a", spec: { storageClassName: "static" } });
    await claim(c, "one", { className: "static" });
    await claim(c, "two", { className: "static" });
    await create(c, using("p1", "one"), using("p2", "two"));
    expect(await whyPending(c, "p2")).toContain("3 node(s) didn't find available persistent volumes to bind");
    await completeBinding(c, "one", "only");
    expect([await nodeOf(c, "p1"), await nodeOf(c, "p2")]).toEqual(["a", undefined]);
  });

  it("has volumes provisioned for the node it chose", async () => {
    await using c = await ready();
    await claim(c, "data");
    await create(c, using("db", "data"));
    const asked = await c.client.resource(resources.persistentvolumeclaims).get({ namespace: "default", name: "data" });
    const node = asked.metadata.annotations?.[SELECTED] ?? "";
    expect(["a", "b", "c"]).toContain(node);
    expect((await get(c, "db")).status.nominatedNodeName).toBe(node);
    await volume(c, "made", { node });
    await completeBinding(c, "data", "made");
    expect(await nodeOf(c, "db")).toBe(node);
  });

  it("starts over when provisioning failed", async () => {
    await using c = await ready();
    await claim(c, "data");
    await create(c, using("db", "data"));
    const claims = c.client.resource(resources.persistentvolumeclaims);
    const body = { metadata: { annotations: { [SELECTED]: null } } };
    await claims.patch({ namespace: "default", name: "data" }, { type: "merge", body });
    await c.settle();
    expect((await get(c, "db")).status.conditions?.[0]?.message).toContain(`provisioning failed for PVC "data"`);
    await c.advance(5000);
    const again = await claims.get({ namespace: "default", name: "data" });
    expect(again.metadata.annotations?.[SELECTED]).toBeDefined();
  });

  it("respects topologies and capacity", async () => {
    await using c = await ready();
    await storageClass(c, "zonal", {
      allowedTopologies: [{ matchLabelExpressions: [{ key: "topology.kubernetes.io/zone", values: ["z-c"] }] }],
    });
    await claim(c, "zoned", { className: "zonal" });
    await create(c, using("p1", "zoned"));
    const claims = c.client.resource(resources.persistentvolumeclaims);
    const asked = await claims.get({ namespace: "default", name: "zoned" });
    expect(asked.metadata.annotations?.[SELECTED]).toBe("c");
    await c.client
      .resource(resources.csidrivers)
      .create({ metadata: { name: "csi.example.com" }, spec: { storageCapacity: true } });
    await c.client.resource(resources.csistoragecapacities).create({
      metadata: { name: "cap", namespace: "kube-system" },
      storageClassName: "slow",
      capacity: "5Gi",
      nodeTopology: { matchLabels: { [HOST]: "b" } },
    });
    await claim(c, "fits", { size: "4Gi" });
    await claim(c, "huge", { size: "6Gi" });
    await create(c, using("p2", "fits"), using("p3", "huge"));
    expect((await claims.get({ namespace: "default", name: "fits" })).metadata.annotations?.[SELECTED]).toBe("b");
    expect(await whyPending(c, "p3")).toContain("3 node(s) did not have enough free storage");
  });
});

describe("other volume plugins", () => {
  it("VolumeZone follows the volume's zone label", async () => {
    await using c = await ready();
    await volume(c, "pv", { labels: { "topology.kubernetes.io/zone": "z-c__z-x" } });
    await claim(c, "data", { volumeName: "pv" });
    await create(c, using("db", "data"));
    expect(await nodeOf(c, "db")).toBe("c");
  });

  it("VolumeRestrictions lets one pod use a ReadWriteOncePod claim", async () => {
    await using c = await ready();
    await volume(c, "pv", { spec: { accessModes: ["ReadWriteOncePod"] } });
    await claim(c, "data", { volumeName: "pv", mode: "ReadWriteOncePod" });
    await create(c, using("one", "data"), using("two", "data"));
    expect(await whyPending(c, "two")).toContain(
      "3 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
    );
    await c.client.resource(resources.pods).delete({ namespace: "default", name: "one" }, { gracePeriodSeconds: 0 });
    await c.advance(2000);
    expect(await nodeOf(c, "two")).toBeDefined();
  });

  it("VolumeRestrictions keeps writers of a disk apart", async () => {
    await using c = await ready();
    const disk = (name: string, readOnly: boolean): Draft<corev1.Pod> =>
      pod(name, {
        nodeSelector: { [HOST]: "a" },
        volumes: [{ name: "d", gcePersistentDisk: { pdName: "disk", readOnly } }],
      });
    await create(c, disk("reader", true), disk("reader2", true), disk("writer", false));
    expect(await perNode(c)).toEqual({ a: 2, "": 1 });
    expect(await whyPending(c, "writer")).toContain("1 node(s) had no available disk");
  });

  it("NodeVolumeLimits counts what a driver can attach", async () => {
    await using c = await ready();
    for (const name of ["a", "b", "c"]) {
      await c.client.resource(resources.csinodes).create({
        metadata: { name },
        spec: { drivers: [{ name: "csi.example.com", nodeID: name, allocatable: { count: name === "a" ? 2 : 0 } }] },
      });
    }
    for (const i of [0, 1, 2]) {
      await volume(c, `pv-${i}`);
      await claim(c, `data-${i}`, { volumeName: `pv-${i}` });
    }
    await create(c, using("p0", "data-0"), using("p1", "data-1"), using("same", "data-0"), using("p2", "data-2"));
    expect(await perNode(c)).toEqual({ a: 3, "": 1 });
    expect(await whyPending(c, "p2")).toContain("3 node(s) exceed max volume count");
  });
});
