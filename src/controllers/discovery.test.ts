import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../api/index.ts";
import { isNotFound } from "../machinery/index.ts";
import { createCluster } from "../testing/index.ts";
import { controllersOf, podRunner } from "./fixtures/harness.ts";

const NS = "default";

function container(name = "main", image = "demo:1") {
  return { containers: [{ name, image }] };
}

describe("namespaces", () => {
  it("are emptied, pods first, and go", async () => {
    await using cluster = await createCluster({
      components: [
        controllersOf(["namespace", "serviceaccount", "root-ca-cert-publisher"], {}, { rootCa: "PEM" }),
        podRunner(),
      ],
    });
    const namespaces = cluster.client.resource(resources.namespaces);
    await namespaces.create({ metadata: { name: "team" } });
    await cluster.settle();
    const accounts = cluster.client.resource(resources.serviceaccounts);
    expect((await accounts.get({ namespace: "team", name: "default" })).metadata.name).toBe("default");
    const maps = cluster.client.resource(resources.configmaps);
    expect((await maps.get({ namespace: "team", name: "kube-root-ca.crt" })).data).toEqual({ "ca.crt": "PEM" });
    await cluster.client
      .resource(resources.pods)
      .create({ metadata: { name: "p", namespace: "team" }, spec: container() });
    await cluster.settle();
    await namespaces.delete({ name: "team" });
    await cluster.advance(60_000);
    await expect(namespaces.get({ name: "team" })).rejects.toSatisfy(isNotFound);
    expect((await maps.list({ namespace: "team" })).items).toEqual([]);
  });

  it("say what keeps them", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["namespace"])] });
    const namespaces = cluster.client.resource(resources.namespaces);
    const maps = cluster.client.resource(resources.configmaps);
    await namespaces.create({ metadata: { name: "team" } });
    await maps.create({ metadata: { name: "held", namespace: "team", finalizers: ["example.com/hold"] } });
    await namespaces.delete({ name: "team" });
    await cluster.advance(20_000);
    const stuck = await namespaces.get({ name: "team" });
    expect(stuck.status.phase).toBe("Terminating");
    const remaining = stuck.status.conditions?.find((c) => c.type === "NamespaceFinalizersRemaining");
    expect(remaining?.message).toContain("example.com/hold in 1 resource instances");
    await maps.patch({ namespace: "team", name: "held" }, { type: "merge", body: { metadata: { finalizers: null } } });
    await cluster.advance(60_000);
    await expect(namespaces.get({ name: "team" })).rejects.toSatisfy(isNotFound);
  });
});

describe("garbage collection", () => {
  const owner = (o: corev1.ConfigMap, block = false) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    name: o.metadata.name,
    uid: o.metadata.uid,
    ...(block ? { blockOwnerDeletion: true } : {}),
  });

  it("takes dependents in the background, in the foreground, or leaves them", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["garbagecollector"])] });
    const maps = cluster.client.resource(resources.configmaps);
    const make = (name: string, ownerReferences: ReturnType<typeof owner>[] = []) =>
      maps.create({ metadata: { name, namespace: NS, ownerReferences } });
    const names = async () => (await maps.list({ namespace: NS })).items.map((m) => m.metadata.name).toSorted();
    const a = await make("a");
    await make("a1", [owner(a)]);
    await cluster.settle();
    await maps.delete({ namespace: NS, name: "a" }, { propagationPolicy: "Background" });
    await cluster.settle();
    expect(await names()).toEqual([]);
    const b = await make("b");
    const b1 = await make("b1", [owner(b, true)]);
    await make("b11", [owner(b1, true)]);
    await cluster.settle();
    await maps.delete({ namespace: NS, name: "b" }, { propagationPolicy: "Foreground" });
    await cluster.advance(5000);
    expect(await names()).toEqual([]);
    const c = await make("c");
    await make("c1", [owner(c)]);
    await cluster.settle();
    await maps.delete({ namespace: NS, name: "c" }, { propagationPolicy: "Orphan" });
    await cluster.advance(5000);
    expect(await names()).toEqual(["c1"]);
    expect((await maps.get({ namespace: NS, name: "c1" })).metadata.ownerReferences).toBeUndefined();
  });

  it("takes what names an owner that does not exist, and keeps what has another", async () => {
    await using cluster = await createCluster({ components: [controllersOf(["garbagecollector"])] });
    const maps = cluster.client.resource(resources.configmaps);
    await cluster.settle();
    const real = await maps.create({ metadata: { name: "real", namespace: NS } });
    const ghost = { apiVersion: "v1", kind: "ConfigMap", name: "ghost", uid: "11111111-1111-4111-8111-111111111111" };
    await maps.create({ metadata: { name: "lost", namespace: NS, ownerReferences: [ghost] } });
    await maps.create({ metadata: { name: "kept", namespace: NS, ownerReferences: [ghost, owner(real)] } });
    await cluster.advance(5000);
    const left = (await maps.list({ namespace: NS })).items;
    expect(left.map((m) => m.metadata.name).toSorted()).toEqual(["kept", "real"]);
    expect(left.find((m) => m.metadata.name === "kept")?.metadata.ownerReferences).toEqual([owner(real)]);
  });
});
