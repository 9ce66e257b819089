import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";

describe("attaching in a cluster", () => {
  it("follows the pods", async () => {
    const controllers = ["attachdetach", "persistentvolume-binder"];
    await using cluster = await createCluster({ components: [controllersOf(controllers)] });
    const { client } = cluster;
    const nodes = client.resource(resources.nodes);
    const pods = client.resource(resources.pods);
    const attachments = client.resource(resources.volumeattachments);
    const annotations = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" };
    for (const name of ["n1", "n2"]) await nodes.create({ metadata: { name, annotations } });
    await client.resource(resources.persistentvolumes).create({
      metadata: { name: "vol" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        csi: { driver: "disk.example.com", volumeHandle: "v1" },
        storageClassName: "manual",
      },
    });
    await client.resource(resources.persistentvolumeclaims).create({
      metadata: { namespace: "default", name: "claim" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        storageClassName: "manual",
      },
    });
    const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "claim" } }];
    const podOn = (nodeName: string) =>
      pods.create({
        metadata: { namespace: "default", name: `p-${nodeName}` },
        spec: { nodeName, containers: [{ name: "main", image: "demo" }], volumes },
      });
    const where = async () => {
      await cluster.settle();
      return (await attachments.list()).items.map(({ spec }) => spec.nodeName);
    };
    await podOn("n1");
    expect(await where()).toEqual(["n1"]);
    const [attachment] = (await attachments.list()).items;
    const name = attachment?.metadata.name ?? "";
    await attachments.patch(
      { name },
      { type: "merge", body: { status: { attached: true } } },
      { subresource: "status" },
    );
    await cluster.settle();
    const unique = "kubernetes.io/csi/disk.example.com^v1";
    expect((await nodes.get({ name: "n1" })).status.volumesAttached).toEqual([{ name: unique, devicePath: "" }]);
    const inUse = (list: string[] | null) =>
      nodes.patch(
        { name: "n1" },
        { type: "merge", body: { status: { volumesInUse: list } } },
        { subresource: "status" },
      );
    await inUse([unique]);
    const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } };
    await nodes.patch({ name: "n1" }, { type: "merge", body: ready }, { subresource: "status" });
    await podOn("n2");
    expect(await where()).toEqual(["n1"]);
    await pods.delete({ namespace: "default", name: "p-n1" }, { gracePeriodSeconds: 0 });
    expect(await where()).toEqual(["n1"]);
    await inUse(null);
    expect(await where()).toEqual(["n2"]);
    expect((await nodes.get({ name: "n1" })).status.volumesAttached).toBeUndefined();
  });
});
