import { describe, expect, it } from "vitest";
import { resources } from "../api/index.ts";
import { isNotFound } from "../machinery/index.ts";
import { createCluster } from "../testing/index.ts";
import { controllersOf, podRunner, readyStatus } from "./fixtures/harness.ts";
import { template } from "./fixtures/objects.ts";

const NS = "default";

function container(name = "main", image = "demo:1") {
  return { containers: [{ name, image }] };
}

function nodeObject(name: string, labels: Record<string, string> = {}) {
  return { metadata: { name, labels } };
}

/** Registers a node as a kubelet does, and says it is ready. */
async function ready(cluster: Awaited<ReturnType<typeof createCluster>>, name: string, status = "True"): Promise<void> {
  const nodes = cluster.client.resource(resources.nodes);
  const time = new Date(cluster.clock.now()).toISOString().slice(0, 19) + "Z";
  const condition = {
    type: "Ready",
    status,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
    reason: "KubeletReady",
  };
  await nodes.patch(
    { name },
    { type: "strategic", body: { status: { conditions: [condition] } } },
    { subresource: "status" },
  );
}

describe("replication controllers", () => {
  it("keep their pods, adopt and release", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["replicationcontroller"]), podRunner()] });
    const pods = cluster.client.resource(resources.pods);
    const controllers = cluster.client.resource(resources.replicationcontrollers);
    await pods.create({ metadata: { name: "orphan", namespace: NS, labels: { app: "demo" } }, spec: container() });
    await controllers.create({
      metadata: { name: "rc", namespace: NS },
      spec: { replicas: 2, selector: { app: "demo" }, template: template() },
    });
    await cluster.settle();
    const owned = (await pods.list({ namespace: NS })).items;
    expect(owned).toHaveLength(2);
    expect(owned.every((p) => p.metadata.ownerReferences?.[0]?.name === "rc")).toBe(true);
    await pods.patch(
      { namespace: NS, name: "orphan" },
      { type: "merge", body: { metadata: { labels: { app: "other" } } } },
    );
    await cluster.settle();
    const after = (await pods.list({ namespace: NS })).items;
    expect(after).toHaveLength(3);
    expect(after.find((p) => p.metadata.name === "orphan")?.metadata.ownerReferences).toBeUndefined();
    await pods.delete({ namespace: NS, name: after.find((p) => p.metadata.name !== "orphan")?.metadata.name ?? "" });
    await cluster.advance(1000);
    expect((await controllers.get({ namespace: NS, name: "rc" })).status).toMatchObject({
      replicas: 2,
      readyReplicas: 2,
    });
  });
});

describe("services", () => {
  it("get endpoints and slices of the pods that they select", async () => {
    await using cluster = await createCluster({
      components: [controllersOf(["endpoint", "endpointslice", "endpointslicemirroring"]), podRunner()],
    });
    await cluster.client
      .resource(resources.nodes)
      .create(nodeObject("node-1", { "topology.kubernetes.io/zone": "z1" }));
    const services = cluster.client.resource(resources.services);
    const pods = cluster.client.resource(resources.pods);
    await services.create({
      metadata: { name: "web", namespace: NS },
      spec: { selector: { app: "demo" }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    const pod = { metadata: { namespace: NS, labels: { app: "demo" } }, spec: { ...container(), nodeName: "node-1" } };
    await pods.create({ ...pod, metadata: { ...pod.metadata, name: "a" } });
    await pods.create({ ...pod, metadata: { ...pod.metadata, name: "b", labels: { app: "other" } } });
    await cluster.settle();
    const endpoints = cluster.client.resource(resources.endpoints);
    const slices = cluster.client.resource(resources.endpointslices);
    const ips = async () => {
      const { items } = await slices.list({ namespace: NS, labelSelector: "kubernetes.io/service-name=web" });
      return items.flatMap((s) => (s.endpoints ?? []).map((e) => `${e.targetRef?.name} ${e.zone}`));
    };
    expect(await ips()).toEqual(["a z1"]);
    expect((await endpoints.get({ namespace: NS, name: "web" })).subsets?.[0]?.addresses).toHaveLength(1);
    await pods.patch({ namespace: NS, name: "b" }, { type: "merge", body: { metadata: { labels: { app: "demo" } } } });
    await cluster.settle();
    expect((await ips()).toSorted()).toEqual(["a z1", "b z1"]);
    await pods.delete({ namespace: NS, name: "a" });
    await cluster.advance(2000);
    expect(await ips()).toEqual(["b z1"]);
    await services.delete({ namespace: NS, name: "web" });
    await cluster.settle();
    await expect(endpoints.get({ namespace: NS, name: "web" })).rejects.toSatisfy(isNotFound);
  });
});

describe("nodes", () => {
  const LIFECYCLE = ["nodelifecycle", "taint-eviction-controller", "podgc", "nodeipam", "ttl"];

  it("that fall silent are marked, tainted and evicted, and recover", async () => {
    await using cluster = await createCluster({
      components: [controllersOf(LIFECYCLE, { clusterCidr: ["10.244.0.0/16"] }), podRunner()],
    });
    const nodes = cluster.client.resource(resources.nodes);
    const pods = cluster.client.resource(resources.pods);
    for (const name of ["n1", "n2", "n3"]) {
      await nodes.create(nodeObject(name));
      await ready(cluster, name);
    }
    await cluster.settle();
    expect((await nodes.list()).items.map((n) => n.spec.podCIDR ?? "").toSorted()).toEqual([
      "10.244.0.0/24",
      "10.244.1.0/24",
      "10.244.2.0/24",
    ]);
    expect((await nodes.get({ name: "n1" })).metadata.annotations?.["node.alpha.kubernetes.io/ttl"]).toBe("0");
    const tolerations = ["not-ready", "unreachable"].map((key) => ({
      key: `node.kubernetes.io/${key}`,
      operator: "Exists" as const,
      effect: "NoExecute" as const,
      tolerationSeconds: 300,
    }));
    await pods.create({
      metadata: { name: "p", namespace: NS },
      spec: { ...container(), nodeName: "n1", tolerations },
    });
    for (let i = 0; i < 4; i++) {
      await cluster.advance(10_000);
      await ready(cluster, "n2");
      await ready(cluster, "n3");
    }
    expect((await nodes.get({ name: "n1" })).status.conditions?.find((c) => c.type === "Ready")?.status).toBe("True");
    await cluster.advance(11_000);
    const lost = await nodes.get({ name: "n1" });
    const condition = lost.status.conditions?.find((c) => c.type === "Ready");
    expect([condition?.status, condition?.reason]).toEqual(["Unknown", "NodeStatusUnknown"]);
    expect(lost.spec.taints?.map((t) => `${t.key}:${t.effect}`).toSorted()).toEqual([
      "node.kubernetes.io/unreachable:NoExecute",
      "node.kubernetes.io/unreachable:NoSchedule",
    ]);
    const pod = await pods.get({ namespace: NS, name: "p" });
    expect(pod.status.conditions?.find((c) => c.type === "Ready")?.status).toBe("False");
    for (let i = 0; i < 29; i++) {
      await ready(cluster, "n2");
      await ready(cluster, "n3");
      await cluster.advance(10_000);
    }
    expect((await pods.get({ namespace: NS, name: "p" })).metadata.deletionTimestamp).toBeUndefined();
    await ready(cluster, "n2");
    await ready(cluster, "n3");
    await cluster.advance(12_000);
    await expect(pods.get({ namespace: NS, name: "p" })).rejects.toSatisfy(isNotFound);
    await ready(cluster, "n1");
    await cluster.settle();
    expect((await nodes.get({ name: "n1" })).spec.taints ?? []).toEqual([]);
  });

  it("that are all lost evict nobody", async () => {
    await using cluster = await createCluster({ components: [controllersOf(LIFECYCLE)] });
    const nodes = cluster.client.resource(resources.nodes);
    for (const name of ["n1", "n2"]) {
      await nodes.create(nodeObject(name));
      await ready(cluster, name);
    }
    await cluster.advance(120_000);
    for (const node of (await nodes.list()).items) {
      expect(node.spec.taints?.map((t) => t.effect)).toEqual(["NoSchedule"]);
    }
  });

  it("that are gone take their pods with them, after a while", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["podgc"])] });
    const nodes = cluster.client.resource(resources.nodes);
    const pods = cluster.client.resource(resources.pods);
    await nodes.create(nodeObject("n1"));
    await pods.create({ metadata: { name: "p", namespace: NS }, spec: { ...container(), nodeName: "n1" } });
    await pods.patch(
      { name: "p", namespace: NS },
      { type: "merge", body: { status: readyStatus(cluster.clock.now(), "10.0.0.1") } },
      { subresource: "status" },
    );
    await nodes.delete({ name: "n1" });
    await cluster.advance(39_000);
    expect((await pods.list({ namespace: NS })).items).toHaveLength(1);
    await cluster.advance(2000);
    expect((await pods.list({ namespace: NS })).items).toEqual([]);
  });
});
