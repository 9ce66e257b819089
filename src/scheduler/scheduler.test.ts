import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../api/index.ts";
import { cluster, create, node, nodeOf, nodes, pod } from "./fixtures.fixture.ts";

function condition(p: corev1.Pod): corev1.PodCondition | undefined {
  return p.status.conditions?.find((c) => c.type === "PodScheduled");
}

describe("scheduler", () => {
  it("binds a pod to a node and says so", async () => {
    await using c = await cluster();
    await nodes(c, node("a"));
    await create(c, pod("web"));
    const bound = await c.client.resource(resources.pods).get({ namespace: "default", name: "web" });
    expect(bound.spec.nodeName).toBe("a");
    expect(condition(bound)).toMatchObject({ status: "True" });
    const events = await c.client.resource(resources["events.events.k8s.io"]).list({ namespace: "default" });
    expect(events.items).toMatchObject([
      {
        reason: "Scheduled",
        action: "Binding",
        type: "Normal",
        reportingController: "default-scheduler",
        note: "Successfully assigned default/web to a",
        regarding: { kind: "Pod", name: "web", uid: bound.metadata.uid },
      },
    ]);
  });

  it("says why no node will do, and binds once one does", async () => {
    await using c = await cluster();
    await nodes(
      c,
      node("small"),
      node("cordoned", { spec: { unschedulable: true } }),
      node("tainted", { spec: { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] } }),
    );
    await create(c, pod("big", {}, { cpu: "8", memory: "1Gi" }));
    const pending = await c.client.resource(resources.pods).get({ namespace: "default", name: "big" });
    const message =
      "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.";
    expect(condition(pending)).toMatchObject({ status: "False", reason: "Unschedulable" });
    expect(condition(pending)?.message?.startsWith(message)).toBe(true);
    await nodes(c, node("large", { status: { allocatable: { cpu: "16", memory: "8Gi", pods: "10" } } as never }));
    await c.advance(3000);
    expect(await nodeOf(c, "big")).toBe("large");
  });

  it("never overcommits, and retries when a pod leaves", async () => {
    await using c = await cluster();
    await nodes(c, node("a"));
    const pods = Array.from({ length: 5 }, (_, i) => pod(`p${i}`, {}, { cpu: "1" }));
    await create(c, ...pods);
    const all = await Promise.all(pods.map((p) => nodeOf(c, p.metadata?.name ?? "")));
    expect(all.filter((n) => n === "a")).toHaveLength(4);
    const waiting = pods[all.indexOf(undefined)]?.metadata?.name ?? "";
    const gone = pods[all.indexOf("a")]?.metadata?.name ?? "";
    await c.client.resource(resources.pods).delete({ namespace: "default", name: gone }, { gracePeriodSeconds: 0 });
    await c.advance(3000);
    expect(await nodeOf(c, waiting)).toBe("a");
  });

  it("leaves gated pods alone until their gates are gone", async () => {
    await using c = await cluster();
    await nodes(c, node("a"));
    await create(c, pod("gated", { schedulingGates: [{ name: "example.com/wait" }] }));
    expect(await nodeOf(c, "gated")).toBeUndefined();
    const pods = c.client.resource(resources.pods);
    const body = { spec: { schedulingGates: null } };
    await pods.patch({ namespace: "default", name: "gated" }, { type: "merge", body });
    await c.settle();
    expect(await nodeOf(c, "gated")).toBe("a");
  });

  it("waits for nodes", async () => {
    await using c = await cluster();
    await create(c, pod("early"));
    const pending = await c.client.resource(resources.pods).get({ namespace: "default", name: "early" });
    expect(condition(pending)).toMatchObject({ message: "no nodes available to schedule pods" });
    await nodes(c, node("a"));
    await c.advance(3000);
    expect(await nodeOf(c, "early")).toBe("a");
  });

  it("leaves pods of other schedulers alone", async () => {
    await using c = await cluster();
    await nodes(c, node("a"));
    await create(c, pod("other", { schedulerName: "mine" }));
    expect(await nodeOf(c, "other")).toBeUndefined();
  });
});
