import { describe, expect, it } from "vitest";
import { type corev1, type Draft, resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";

const CLAIM = { namespace: "default", name: "claim" };

async function start() {
  const cluster = await createCluster({ components: [controllersOf(["persistentvolume-binder"])] });
  const { client } = cluster;
  const claims = client.resource(resources.persistentvolumeclaims);
  const volumes = client.resource(resources.persistentvolumes);
  const classes = client.resource(resources.storageclasses);
  const claim = (storageClassName: string, spec: Partial<Draft<corev1.PersistentVolumeClaimSpec>> = {}) =>
    claims.create({
      metadata: CLAIM,
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        storageClassName,
        ...spec,
      },
    });
  const volume = (name: string, storageClassName: string, spec: Partial<Draft<corev1.PersistentVolumeSpec>> = {}) =>
    volumes.create({
      metadata: { name },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "2Gi" },
        storageClassName,
        hostPath: { path: "/data" },
        persistentVolumeReclaimPolicy: "Retain",
        ...spec,
      },
    });
  const phases = async () => {
    await cluster.settle();
    const found = (await claims.list()).items.map(({ status }) => status.phase);
    return [...found, ...(await volumes.list()).items.map(({ status }) => status.phase)];
  };
  const drop = async () => {
    await claims.patch(CLAIM, { type: "merge", body: { metadata: { finalizers: null } } });
    await claims.delete(CLAIM);
  };
  return { cluster, claims, volumes, classes, claim, volume, phases, drop };
}

describe("PersistentVolumes in a cluster", () => {
  it("are bound to claims and released with them", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    await t.claim("manual");
    expect(await t.phases()).toEqual(["Pending"]);
    await t.volume("vol", "manual");
    expect(await t.phases()).toEqual(["Bound", "Bound"]);
    expect(await t.claims.get(CLAIM)).toMatchObject({
      spec: { volumeName: "vol" },
      status: { accessModes: ["ReadWriteOnce"], capacity: { storage: "2Gi" } },
    });
    await t.drop();
    expect(await t.phases()).toEqual(["Released"]);
  });

  it("fail when nobody can delete them", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    await t.volume("vol", "manual", { persistentVolumeReclaimPolicy: "Delete" });
    await t.claim("manual");
    expect(await t.phases()).toEqual(["Bound", "Bound"]);
    await t.drop();
    expect(await t.phases()).toEqual(["Failed"]);
  });

  it("are asked of provisioners, once there is a node where that matters", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    await t.classes.create({
      metadata: { name: "local" },
      provisioner: "example.com/disk",
      volumeBindingMode: "WaitForFirstConsumer",
    });
    await t.claim("local");
    await t.cluster.settle();
    const provisioner = async () =>
      (await t.claims.get(CLAIM)).metadata.annotations?.["volume.kubernetes.io/storage-provisioner"];
    expect(await provisioner()).toBeUndefined();
    const annotations = { "volume.kubernetes.io/selected-node": "n1" };
    await t.claims.patch(CLAIM, { type: "merge", body: { metadata: { annotations } } });
    await t.cluster.settle();
    expect(await provisioner()).toBe("example.com/disk");
    const { uid } = (await t.claims.get(CLAIM)).metadata;
    const claimRef = { ...CLAIM, uid, kind: "PersistentVolumeClaim", apiVersion: "v1" };
    await t.volume("made", "local", { claimRef });
    expect(await t.phases()).toEqual(["Bound", "Bound"]);
  });

  it("leave claims lost when they vanish, and never serve two", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    await t.volume("vol", "manual");
    await Promise.all(
      ["a", "b"].map((name) =>
        t.claims.create({
          metadata: { namespace: "default", name },
          spec: {
            accessModes: ["ReadWriteOnce"],
            resources: { requests: { storage: "1Gi" } },
            storageClassName: "manual",
          },
        }),
      ),
    );
    expect((await t.phases()).toSorted()).toEqual(["Bound", "Bound", "Pending"]);
    await t.volumes.patch({ name: "vol" }, { type: "merge", body: { metadata: { finalizers: null } } });
    await t.volumes.delete({ name: "vol" });
    expect((await t.phases()).toSorted()).toEqual(["Lost", "Pending"]);
  });
});
