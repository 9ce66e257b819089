import { describe, expect, it } from "vitest";
import { type appsv1, type Draft, resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf, podRunner } from "../fixtures/harness.ts";

const KEY = { namespace: "default", name: "web" };

async function start(spec: Partial<Draft<appsv1.StatefulSetSpec>> = {}) {
  const cluster = await createCluster({
    components: [controllersOf(["statefulset", "garbagecollector"]), podRunner()],
  });
  const sets = cluster.client.resource(resources.statefulsets);
  const labels = { app: "web" };
  await sets.create({
    metadata: KEY,
    spec: {
      replicas: 3,
      serviceName: "web",
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "demo:1" }] } },
      ...spec,
    },
  });
  await cluster.advance(1000);
  const list = async () => (await cluster.client.resource(resources.pods).list({ namespace: "default" })).items;
  const pods = async () =>
    (await list()).map(({ metadata, spec: { containers } }) => `${metadata.name} ${containers[0]?.image}`).toSorted();
  const status = async () => (await sets.get(KEY)).status;
  const change = async (body: Partial<Draft<appsv1.StatefulSetSpec>>) => {
    await sets.patch(KEY, { type: "merge", body: { spec: body } });
    await cluster.advance(1000);
  };
  const image = (text: string) => change({ template: { spec: { containers: [{ name: "main", image: text }] } } });
  const claims = async () =>
    (await cluster.client.resource(resources.persistentvolumeclaims).list({ namespace: "default" })).items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  return { cluster, sets, pods, status, change, image, claims };
}

const data = {
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce" as const], resources: { requests: { storage: "1Gi" } } },
};

describe("StatefulSets in a cluster", () => {
  it("number their pods, and grow and shrink", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    expect(await t.pods()).toEqual(["web-0 demo:1", "web-1 demo:1", "web-2 demo:1"]);
    const { currentRevision, updateRevision, ...counts } = await t.status();
    expect(currentRevision).toBe(updateRevision);
    expect(counts).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3 });
    await t.change({ replicas: 1 });
    expect(await t.pods()).toEqual(["web-0 demo:1"]);
    await t.change({ replicas: 2 });
    expect(await t.pods()).toEqual(["web-0 demo:1", "web-1 demo:1"]);
    expect((await t.status()).replicas).toBe(2);
  });

  it("update from the top, down to the partition, and back", async () => {
    const t = await start({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } });
    await using _cluster = t.cluster;
    const first = (await t.status()).currentRevision;
    await t.image("demo:2");
    expect(await t.pods()).toEqual(["web-0 demo:1", "web-1 demo:2", "web-2 demo:2"]);
    expect(await t.status()).toMatchObject({ currentRevision: first, currentReplicas: 1, updatedReplicas: 2 });
    await t.change({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } });
    expect(await t.pods()).toEqual(["web-0 demo:2", "web-1 demo:2", "web-2 demo:2"]);
    const second = (await t.status()).currentRevision;
    expect(second).not.toBe(first);
    await t.image("demo:1");
    expect(await t.status()).toMatchObject({ currentRevision: first, updateRevision: first });
    const revisions = t.cluster.client.resource(resources.controllerrevisions);
    const numbers = (await revisions.list({ namespace: "default" })).items.map(({ revision }) => revision);
    expect(numbers.toSorted()).toEqual([2, 3]);
  });

  it("keep their claims, or delete them when scaled down", async () => {
    const t = await start({ volumeClaimTemplates: [data], podManagementPolicy: "Parallel" });
    await using _cluster = t.cluster;
    expect(await t.claims()).toEqual(["data-web-0", "data-web-1", "data-web-2"]);
    await t.change({ replicas: 1 });
    expect(await t.claims()).toHaveLength(3);
    const policy = { whenScaled: "Delete" as const, whenDeleted: "Delete" as const };
    await t.change({ replicas: 3, persistentVolumeClaimRetentionPolicy: policy });
    await t.change({ replicas: 1 });
    await t.cluster.advance(10_000);
    expect(await t.claims()).toEqual(["data-web-0"]);
    await t.change({ replicas: 2 });
    expect(await t.claims()).toEqual(["data-web-0", "data-web-1"]);
    await t.sets.delete(KEY, { propagationPolicy: "Background" });
    await t.cluster.advance(10_000);
    expect(await t.claims()).toEqual([]);
    expect(await t.pods()).toEqual([]);
  });
});
