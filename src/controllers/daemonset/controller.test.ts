import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf, podRunner } from "../fixtures/harness.ts";
import { template } from "../fixtures/objects.ts";

describe("DaemonSets in a cluster", () => {
  it("follow nodes, roll and keep revisions", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["daemonset"]), podRunner()] });
    const nodes = cluster.client.resource(resources.nodes);
    const sets = cluster.client.resource(resources.daemonsets);
    const pods = cluster.client.resource(resources.pods);
    for (const name of ["n1", "n2"]) await nodes.create({ metadata: { name } });
    await sets.create({
      metadata: { name: "ds", namespace: "default" },
      spec: {
        selector: { matchLabels: { app: "demo" } },
        template: template("demo:1"),
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      },
    });
    await cluster.advance(1000);
    await nodes.create({ metadata: { name: "n3" } });
    await cluster.advance(1000);
    const status = async () => (await sets.get({ namespace: "default", name: "ds" })).status;
    expect(await status()).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      updatedNumberScheduled: 3,
    });
    const body = { spec: { template: { spec: { containers: [{ name: "main", image: "demo:2" }] } } } };
    await sets.patch({ namespace: "default", name: "ds" }, { type: "strategic", body });
    await cluster.advance(10_000);
    const images = (await pods.list({ namespace: "default" })).items.map((p) => p.spec.containers[0]?.image);
    expect(images).toEqual(["demo:2", "demo:2", "demo:2"]);
    const revisions = (await cluster.client.resource(resources.controllerrevisions).list({ namespace: "default" }))
      .items;
    expect(revisions.map((r) => r.revision).toSorted((a, b) => a - b)).toEqual([1, 2]);
    await nodes.delete({ name: "n3" });
    await cluster.advance(1000);
    expect((await status()).desiredNumberScheduled).toBe(2);
  });
});
