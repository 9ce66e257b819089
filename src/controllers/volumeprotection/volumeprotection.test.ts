import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";
import { at, controlledBy, meta, pod } from "../fixtures/objects.ts";
import { uses } from "./claims.ts";

const claimOf = (name: string, ownerReferences: NonNullable<corev1.Pod["metadata"]["ownerReferences"]> = []) =>
  ({ metadata: meta(name, { ownerReferences }), spec: {}, status: {} }) as unknown as corev1.PersistentVolumeClaim;

describe("uses", () => {
  const volumes = [
    { name: "data", persistentVolumeClaim: { claimName: "claim" } },
    { name: "scratch", ephemeral: {} },
  ];
  const user = pod("p", { spec: { volumes } });
  const mine = claimOf("p-scratch", [controlledBy(user)]);
  const shut = { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 };
  const cases: readonly (readonly [string, corev1.Pod, corev1.PersistentVolumeClaim, boolean])[] = [
    ["by name", user, claimOf("claim"), true],
    ["another", user, claimOf("other"), false],
    ["without a node", pod("p", { spec: { volumes, nodeName: "" } }), claimOf("claim"), false],
    ["ephemeral", user, mine, true],
    ["ephemeral, somebody else's", user, claimOf("p-scratch"), false],
    ["ephemeral, shut down", pod("p", { spec: { volumes }, metadata: shut }), mine, false],
  ];
  for (const [name, object, claim, expected] of cases) it(name, () => expect(uses(object, claim)).toBe(expected));
});

describe("protection in a cluster", () => {
  it("keeps claims, volumes and classes while they are used", async () => {
    const names = ["pvc-protection", "pv-protection", "volumeattributesclass-protection-controller"];
    await using cluster = await createCluster({ components: [controllersOf(names)] });
    const { client } = cluster;
    const claims = client.resource(resources.persistentvolumeclaims);
    const volumes = client.resource(resources.persistentvolumes);
    const pods = client.resource(resources.pods);
    const key = { namespace: "default", name: "claim" };
    await claims.create({
      metadata: key,
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, storageClassName: "" },
    });
    await volumes.create({
      metadata: { name: "vol" },
      spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/data" } },
    });
    const bound = { type: "merge", body: { status: { phase: "Bound" } } } as const;
    await volumes.patch({ name: "vol" }, bound, { subresource: "status" });
    await pods.create({
      metadata: { namespace: "default", name: "p" },
      spec: {
        nodeName: "n1",
        containers: [{ name: "main", image: "demo" }],
        volumes: [{ name: "data", persistentVolumeClaim: { claimName: "claim" } }],
      },
    });
    await cluster.settle();
    await claims.delete(key);
    await volumes.delete({ name: "vol" });
    await cluster.settle();
    const left = async () => {
      await cluster.settle();
      return [(await claims.list()).items.length, (await volumes.list()).items.length];
    };
    expect(await left()).toEqual([1, 1]);
    await pods.delete({ namespace: "default", name: "p" }, { gracePeriodSeconds: 0 });
    expect(await left()).toEqual([0, 1]);
    const released = { type: "merge", body: { status: { phase: "Released" } } } as const;
    await volumes.patch({ name: "vol" }, released, { subresource: "status" });
    expect(await left()).toEqual([0, 0]);
  });
});
