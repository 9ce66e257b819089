import { describe, expect, it } from "vitest";
// In a project of your own: import { createCluster, resources } from "k8ts/testing";
import { resources } from "../src/api/index.ts";
import { createCluster } from "../src/testing/index.ts";

describe("a Deployment", () => {
  it("replaces a pod that is deleted", async () => {
    await using cluster = await createCluster({ nodes: 3 });
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "web:1" }] } };
    await cluster.client.resource(resources.deployments).create({
      metadata: { name: "web", namespace: "default" },
      spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template },
    });
    await cluster.settle();

    const pods = cluster.client.resource(resources.pods);
    const [victim] = (await pods.list({ namespace: "default" })).items;
    await pods.delete({ namespace: "default", name: victim?.metadata.name ?? "" });
    await cluster.settle();

    const { items } = await pods.list({ namespace: "default" });
    expect(items).toHaveLength(3);
    expect(items.map((pod) => pod.metadata.uid)).not.toContain(victim?.metadata.uid);
  });
});
