import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";

describe("ephemeral volumes in a cluster", () => {
  it("are given claims, which come back when deleted", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["ephemeral-volume"])] });
    const claims = cluster.client.resource(resources.persistentvolumeclaims);
    const key = { namespace: "default", name: "p-scratch" };
    const spec = { accessModes: ["ReadWriteOnce" as const], resources: { requests: { storage: "1Gi" } } };
    const created = await cluster.client.resource(resources.pods).create({
      metadata: { namespace: "default", name: "p" },
      spec: {
        containers: [{ name: "main", image: "demo" }],
        volumes: [{ name: "scratch", ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: "b" } }, spec } } }],
      },
    });
    await cluster.settle();
    const claim = await claims.get(key);
    expect(claim.metadata).toMatchObject({ labels: { a: "b" }, ownerReferences: [{ uid: created.metadata.uid }] });
    expect(claim.spec.resources.requests).toEqual({ storage: "1Gi" });
    await claims.patch(key, { type: "merge", body: { metadata: { finalizers: null } } });
    await claims.delete(key);
    await cluster.settle();
    expect((await claims.get(key)).metadata.uid).not.toBe(claim.metadata.uid);
  });
});
