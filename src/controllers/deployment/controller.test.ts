import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf, podRunner } from "../fixtures/harness.ts";
import { template } from "../fixtures/objects.ts";

const WORKLOADS = ["deployment", "replicaset"];

function demo(replicas: number, image = "demo:1") {
  return {
    metadata: { name: "demo", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "demo" } },
      template: template(image),
      strategy: { type: "RollingUpdate" as const, rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
    },
  };
}

describe("Deployments in a cluster", () => {
  it("come up, roll and scale", async () => {
    await using cluster = await createCluster({ components: [controllersOf(WORKLOADS), podRunner()] });
    const deployments = cluster.client.resource(resources.deployments);
    const pods = cluster.client.resource(resources.pods);
    await deployments.create(demo(3));
    await cluster.settle();
    const up = await deployments.get({ name: "demo", namespace: "default" });
    expect(up.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3 });
    const images = async () =>
      (await pods.list({ namespace: "default" })).items.map((p) => p.spec.containers[0]?.image);
    expect(await images()).toEqual(["demo:1", "demo:1", "demo:1"]);
    await deployments.update({ ...up, spec: { ...up.spec, template: template("demo:2"), replicas: 4 } });
    await cluster.settle();
    expect(await images()).toEqual(["demo:2", "demo:2", "demo:2", "demo:2"]);
    const events = await cluster.client.resource(resources.events).list({ namespace: "default" });
    const messages = events.items.map((e) => e.message ?? "");
    expect(messages.some((m) => /^Scaled up replica set demo-\w+ from 0 to 3$/.test(m))).toBe(true);
    expect(messages.some((m) => /^Created pod: demo-\w+-\w+$/.test(m))).toBe(true);
  });
});
