import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf, podRunner } from "../fixtures/harness.ts";

const labels = { app: "web" };
const spec = { containers: [{ name: "main", image: "demo" }] };
const KEY = { namespace: "default", name: "pdb" };

async function start() {
  const components = [controllersOf(["disruption", "deployment", "replicaset"]), podRunner()];
  const cluster = await createCluster({ components });
  const budgets = cluster.client.resource(resources.poddisruptionbudgets);
  const status = async () => {
    const { conditions, ...counts } = (await budgets.get(KEY)).status;
    return { reason: conditions?.[0]?.reason, ...counts };
  };
  return { cluster, budgets, status };
}

describe("PodDisruptionBudgets in a cluster", () => {
  it("follow the pods of a Deployment", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    await t.budgets.create({ metadata: KEY, spec: { maxUnavailable: 1, selector: { matchLabels: labels } } });
    await t.cluster.settle();
    expect(await t.status()).toMatchObject({ reason: "InsufficientPods", expectedPods: 0 });
    await t.cluster.client.resource(resources.deployments).create({
      metadata: { namespace: "default", name: "web" },
      spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    await t.cluster.advance(1000);
    const counts = { expectedPods: 3, desiredHealthy: 2, currentHealthy: 3, disruptionsAllowed: 1 };
    expect(await t.status()).toMatchObject({ reason: "SufficientPods", ...counts });
  });

  it("allow nothing when a controller cannot be asked", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x", controller: true }];
    await t.cluster.client
      .resource(resources.pods)
      .create({ metadata: { namespace: "default", name: "p", labels, ownerReferences }, spec });
    await t.budgets.create({ metadata: KEY, spec: { maxUnavailable: 1, selector: { matchLabels: labels } } });
    await t.cluster.settle();
    expect(await t.status()).toMatchObject({ reason: "SyncFailed", disruptionsAllowed: 0 });
  });

  it("take back what was said of evictions that never came", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    const pods = t.cluster.client.resource(resources.pods);
    await pods.create({ metadata: { namespace: "default", name: "p", labels }, spec });
    await t.cluster.settle();
    const lastTransitionTime = formatTime(t.cluster.clock.now());
    const condition = { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", lastTransitionTime };
    const body = { status: { conditions: [condition] } };
    await pods.patch({ namespace: "default", name: "p" }, { type: "strategic", body }, { subresource: "status" });
    await t.cluster.advance(119_000);
    const target = async () =>
      (await pods.get({ namespace: "default", name: "p" })).status.conditions?.find(
        ({ type }) => type === "DisruptionTarget",
      )?.status;
    expect(await target()).toBe("True");
    await t.cluster.advance(2_000);
    expect(await target()).toBe("False");
  });
});
