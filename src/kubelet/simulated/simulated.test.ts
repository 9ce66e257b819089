import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { createSimulatedNodes } from "./index.ts";

const names = ["node-1", "node-2"];

function cluster() {
  return createCluster({
    components: [({ client, env }) => createSimulatedNodes({ client, env, nodes: names.map((name) => ({ name })) })],
  });
}

function pod(name: string, spec: object = {}) {
  return {
    metadata: { name, namespace: "default" },
    spec: { nodeName: "node-1", containers: [{ name: "c", image: "x" }], ...spec },
  };
}

describe("simulated nodes", () => {
  it("register as Ready nodes with leases, and renew them as time goes by", async () => {
    await using c = await cluster();
    const { items } = await c.client.resource(resources.nodes).list();
    expect(items.map((n) => n.metadata.name)).toEqual(names);
    expect(items[0]?.status.conditions?.find((x) => x.type === "Ready")?.status).toBe("True");
    const leases = c.client.resource(resources.leases);
    const before = await leases.get({ namespace: "kube-node-lease", name: "node-2" });
    await c.advance(25_000);
    const after = await leases.get({ namespace: "kube-node-lease", name: "node-2" });
    expect(Date.parse(after.spec.renewTime ?? "") - Date.parse(before.spec.renewTime ?? "")).toBe(20_000);
  });

  it("run pods at once and let them go when they are deleted", async () => {
    await using c = await cluster();
    const pods = c.client.resource(resources.pods);
    await pods.create(pod("a"));
    await pods.create(pod("b", { nodeName: "node-2" }));
    await pods.create(pod("elsewhere", { nodeName: "other" }));
    await c.settle();
    const a = await pods.get({ namespace: "default", name: "a" });
    expect(a.status).toMatchObject({ phase: "Running", containerStatuses: [{ name: "c", ready: true }] });
    expect(a.status.conditions?.find((x) => x.type === "Ready")?.status).toBe("True");
    expect(a.status.podIP).toMatch(/^10\./);
    expect((await pods.get({ namespace: "default", name: "elsewhere" })).status.phase).not.toBe("Running");
    await pods.delete({ namespace: "default", name: "a" });
    await c.settle();
    expect((await pods.list({ namespace: "default" })).items.map((p) => p.metadata.name)).toEqual(["b", "elsewhere"]);
  });

  it("complete the pods of Jobs", async () => {
    await using c = await cluster();
    const owner = { apiVersion: "batch/v1", kind: "Job", name: "j", uid: "u", controller: true };
    const pods = c.client.resource(resources.pods);
    const draft = pod("j-1", { restartPolicy: "Never" });
    await pods.create({ ...draft, metadata: { ...draft.metadata, ownerReferences: [owner] } });
    await c.settle();
    expect((await pods.get({ namespace: "default", name: "j-1" })).status).toMatchObject({
      phase: "Succeeded",
      containerStatuses: [{ state: { terminated: { exitCode: 0 } } }],
    });
  });
});
