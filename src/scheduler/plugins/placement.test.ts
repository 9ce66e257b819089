import { describe, expect, it } from "vitest";
import { type corev1, type Draft, resources } from "../../api/index.ts";
import { cluster, create, get, labelled, node, nodeOf, nodes, perNode, pod, whyPending } from "../fixtures.fixture.ts";

const HOST = "kubernetes.io/hostname";
const ZONE = "topology.kubernetes.io/zone";
const web = { matchLabels: { app: "web" } };

function spread(more: Partial<corev1.TopologySpreadConstraint> = {}): Partial<Draft<corev1.PodSpec>> {
  const constraint = { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: "DoNotSchedule", labelSelector: web } as const;
  return { topologySpreadConstraints: [{ ...constraint, ...more }] };
}

function webPods(count: number, spec: Partial<Draft<corev1.PodSpec>>): Draft<corev1.Pod>[] {
  return Array.from({ length: count }, (_, i) => pod(`web-${i}`, spec, {}, { app: "web" }));
}

describe("PodTopologySpread", () => {
  it("keeps zones even", async () => {
    await using c = await cluster();
    await nodes(c, labelled("a1", { [ZONE]: "a" }), labelled("a2", { [ZONE]: "a" }), labelled("b1", { [ZONE]: "b" }));
    await create(c, ...webPods(6, spread()));
    const counts = await perNode(c);
    expect((counts["a1"] ?? 0) + (counts["a2"] ?? 0)).toBe(3);
    expect(counts["b1"]).toBe(3);
  });

  it("says so when a zone is full or a label is missing", async () => {
    await using c = await cluster();
    await nodes(
      c,
      labelled("a1", { [ZONE]: "a" }),
      node("b1", { metadata: { name: "b1", labels: { [ZONE]: "b" } }, spec: { unschedulable: true } }),
      node("none"),
    );
    await create(c, ...webPods(2, spread()));
    expect(await whyPending(c, "web-1")).toContain(
      "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod topology spread constraints (missing required label), 1 node(s) were unschedulable.",
    );
  });

  it("does not count cordoned or tainted nodes when told to honor taints", async () => {
    await using c = await cluster();
    await nodes(
      c,
      labelled("a1", { [ZONE]: "a" }),
      node("b1", {
        metadata: { name: "b1", labels: { [ZONE]: "b" } },
        spec: { taints: [{ key: "k", effect: "NoSchedule" }] },
      }),
    );
    await create(c, ...webPods(3, spread({ nodeTaintsPolicy: "Honor" })));
    expect(await perNode(c)).toEqual({ a1: 3 });
  });

  it("wants as many domains as told", async () => {
    await using c = await cluster();
    await nodes(c, labelled("a1", { [ZONE]: "a" }));
    await create(c, ...webPods(2, spread({ minDomains: 2 })));
    expect(await perNode(c)).toEqual({ a1: 1, "": 1 });
    await nodes(c, labelled("b1", { [ZONE]: "b" }));
    await c.advance(2000);
    expect(await perNode(c)).toEqual({ a1: 1, b1: 1 });
  });

  it("spreads as well as it can when it need not", async () => {
    await using c = await cluster();
    await nodes(c, ...["a", "b", "c"].map((name) => labelled(name, { [ZONE]: name })));
    await create(c, ...webPods(9, spread({ whenUnsatisfiable: "ScheduleAnyway" })));
    expect(await perNode(c)).toEqual({ a: 3, b: 3, c: 3 });
  });

  it("spreads pods of a service without being told", async () => {
    await using c = await cluster();
    await nodes(c, ...["a", "b", "c"].map((name) => labelled(name, { [ZONE]: "z" })));
    await c.client.resource(resources.services).create({
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
    });
    await create(c, ...webPods(6, {}));
    expect(await perNode(c)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it("counts generations apart by matchLabelKeys", async () => {
    await using c = await cluster();
    await nodes(c, labelled("a1", { [ZONE]: "a" }), labelled("b1", { [ZONE]: "b" }));
    const constrained = spread({ matchLabelKeys: ["rev"] });
    const of = (name: string, rev: string, spec = constrained): Draft<corev1.Pod> =>
      pod(name, spec, {}, { app: "web", rev });
    await create(
      c,
      of("old-0", "1", { ...constrained, nodeName: "a1" }),
      of("old-1", "1", { ...constrained, nodeName: "a1" }),
    );
    await create(c, of("new-0", "2"), of("new-1", "2"));
    expect(await perNode(c)).toEqual({ a1: 3, b1: 1 });
  });
});

function anti(topologyKey: string, selector = web): Partial<Draft<corev1.PodSpec>> {
  const term = { topologyKey, labelSelector: selector };
  return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

function near(topologyKey: string, more: Partial<corev1.PodAffinityTerm> = {}): Partial<Draft<corev1.PodSpec>> {
  const term = { topologyKey, labelSelector: web, ...more };
  return { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

describe("InterPodAffinity", () => {
  it("keeps pods apart that shun each other", async () => {
    await using c = await cluster();
    await nodes(c, ...["a", "b", "c"].map((name) => labelled(name, {})));
    await create(c, ...webPods(4, anti(HOST)));
    const { "": waiting, ...placed } = await perNode(c);
    expect([waiting, placed]).toEqual([1, { a: 1, b: 1, c: 1 }]);
    const pending = (await Promise.all([0, 1, 2, 3].map((i) => whyPending(c, `web-${i}`)))).filter(Boolean);
    expect(pending[0]).toContain("0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.");
  });

  it("respects pods that shun a newcomer", async () => {
    await using c = await cluster();
    await nodes(c, labelled("a", {}), labelled("b", {}));
    await create(c, pod("hermit", { ...anti(HOST), nodeName: "a" }));
    await create(c, ...webPods(2, {}));
    expect(await perNode(c)).toEqual({ a: 1, b: 2 });
    await nodes(c, node("b", { spec: { unschedulable: true } })).catch(() => undefined);
    await c.client
      .resource(resources.nodes)
      .patch({ name: "b" }, { type: "merge", body: { spec: { unschedulable: true } } });
    await c.settle();
    await create(c, pod("web-2", {}, {}, { app: "web" }));
    expect(await whyPending(c, "web-2")).toContain("1 node(s) didn't satisfy existing pods anti-affinity rules");
  });

  it("brings pods together, the first anywhere", async () => {
    await using c = await cluster();
    await nodes(c, labelled("a1", { [ZONE]: "a" }), labelled("a2", { [ZONE]: "a" }), labelled("b1", { [ZONE]: "b" }));
    await create(c, ...webPods(4, near(ZONE)));
    const counts = await perNode(c);
    expect([0, 4]).toContain(counts["b1"] ?? 0);
  });

  it("waits for the pods it wants, and comes when they do", async () => {
    await using c = await cluster();
    await nodes(c, labelled("a", {}), labelled("b", {}));
    await create(c, pod("fan", near(HOST)));
    expect(await whyPending(c, "fan")).toContain("0/2 nodes are available: 2 node(s) didn't match pod affinity rules.");
    await create(c, pod("web-0", { nodeName: "b" }, {}, { app: "web" }));
    await c.advance(2000);
    expect(await nodeOf(c, "fan")).toBe("b");
  });

  it("looks into namespaces chosen by label", async () => {
    await using c = await cluster();
    const namespaces = c.client.resource(resources.namespaces);
    await namespaces.create({ metadata: { name: "shop", labels: { team: "x" } } });
    await nodes(c, labelled("a", {}), labelled("b", {}));
    const other = pod("web-0", { nodeName: "b" }, {}, { app: "web" });
    await create(c, { ...other, metadata: { ...other.metadata, namespace: "shop" } as never });
    await create(c, pod("fan", near(HOST, { namespaceSelector: { matchLabels: { team: "x" } } })));
    await create(c, pod("stranger", near(HOST, { namespaceSelector: { matchLabels: { team: "y" } } })));
    expect([await nodeOf(c, "fan"), await nodeOf(c, "stranger")]).toEqual(["b", undefined]);
    await namespaces.patch({ name: "shop" }, { type: "merge", body: { metadata: { labels: { team: "y" } } } });
    await c.advance(310_000);
    await c.advance(31_000);
    expect(await nodeOf(c, "stranger")).toBe("b");
  });

  it("prefers and avoids company", async () => {
    await using c = await cluster();
    await nodes(c, ...["a", "b", "c"].map((name) => labelled(name, {})));
    await create(
      c,
      pod("web-0", { nodeName: "b" }, {}, { app: "web" }),
      pod("db-0", { nodeName: "c" }, {}, { app: "db" }),
    );
    const term = (app: string): corev1.WeightedPodAffinityTerm => ({
      weight: 100,
      podAffinityTerm: { topologyKey: HOST, labelSelector: { matchLabels: { app } } },
    });
    const preferred = (terms: corev1.WeightedPodAffinityTerm[]) => ({
      preferredDuringSchedulingIgnoredDuringExecution: terms,
    });
    await create(c, pod("fan", { affinity: { podAffinity: preferred([term("web")]) } }));
    expect(await nodeOf(c, "fan")).toBe("b");
    await create(c, pod("shy", { affinity: { podAntiAffinity: preferred([term("web"), term("db")]) } }));
    expect(await nodeOf(c, "shy")).toBe("a");
  });
});

describe("node choice", () => {
  it("follows selectors, affinity and preferences", async () => {
    await using c = await cluster();
    await nodes(
      c,
      labelled("a", { disk: "hdd", size: "2" }),
      labelled("b", { disk: "ssd", size: "10" }),
      labelled("c", {}),
    );
    await create(c, pod("sel", { nodeSelector: { disk: "ssd" } }));
    const required = (expression: corev1.NodeSelectorRequirement): Partial<Draft<corev1.PodSpec>> => ({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [expression] }] },
        },
      },
    });
    await create(c, pod("gt", required({ key: "size", operator: "Gt", values: ["5"] })));
    await create(c, pod("not", required({ key: "disk", operator: "DoesNotExist" })));
    await create(c, pod("never", required({ key: "disk", operator: "In", values: ["tape"] })));
    const preferring = {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 50,
              preference: { matchExpressions: [{ key: "disk", operator: "In" as const, values: ["hdd"] }] },
            },
          ],
        },
      },
    };
    await create(c, pod("pref", preferring));
    const found = await Promise.all(["sel", "gt", "not", "never", "pref"].map((name) => nodeOf(c, name)));
    expect(found).toEqual(["b", "b", "c", undefined, "a"]);
    expect(await whyPending(c, "never")).toContain("3 node(s) didn't match Pod's node affinity/selector");
  });

  it("goes to the node named by matchFields only", async () => {
    await using c = await cluster();
    await nodes(c, node("a"), node("b"));
    const named = (name: string): Partial<Draft<corev1.PodSpec>> => ({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] }],
          },
        },
      },
    });
    await create(c, pod("ds-b", named("b")), pod("ds-x", named("x")));
    expect(await nodeOf(c, "ds-b")).toBe("b");
    expect(await whyPending(c, "ds-x")).toContain(
      "0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
  });

  it("keeps host ports apart", async () => {
    await using c = await cluster();
    await nodes(c, node("a"));
    const ported = (name: string, hostIP: string): Draft<corev1.Pod> =>
      pod(name, {
        containers: [{ name: "c", image: "i", resources: {}, ports: [{ containerPort: 80, hostPort: 80, hostIP }] }],
      });
    await create(c, ported("one", "127.0.0.1"), ported("two", "127.0.0.2"), ported("all", "0.0.0.0"));
    expect([await nodeOf(c, "one"), await nodeOf(c, "two"), await nodeOf(c, "all")]).toEqual(["a", "a", undefined]);
    expect(await whyPending(c, "all")).toContain("1 node(s) didn't have free ports for the requested pod ports");
  });

  it("counts init containers, sidecars and overhead", async () => {
    await using c = await cluster();
    await nodes(c, node("a"));
    const container = (name: string, cpu: string, restartPolicy?: string): corev1.Container => ({
      name,
      image: "i",
      resources: { requests: { cpu } },
      ...(restartPolicy && { restartPolicy }),
    });
    const initContainers = [container("side", "1", "Always"), container("init", "3500m")];
    await create(c, pod("greedy", { initContainers, containers: [container("c", "1")] }));
    expect(await whyPending(c, "greedy")).toContain("1 Insufficient cpu");
    const modest = [container("side", "1", "Always"), container("init", "3")];
    await create(c, pod("modest", { initContainers: modest, containers: [container("c", "1")] }));
    expect(await nodeOf(c, "modest")).toBe("a");
  });

  it("prefers nodes without taints to avoid and with the image", async () => {
    await using c = await cluster();
    const taints = [{ key: "k", effect: "PreferNoSchedule" as const }];
    await nodes(c, node("a", { spec: { taints } }), node("b"), node("c", { spec: { taints } }));
    await create(c, pod("p"));
    expect(await nodeOf(c, "p")).toBe("b");
    const images = [{ names: ["big:latest"], sizeBytes: 900 * 1024 * 1024 }];
    await nodes(c, node("d", { status: { allocatable: { cpu: "4", memory: "8Gi", pods: "9" }, images } as never }));
    await create(c, pod("q", { containers: [{ name: "c", image: "big", resources: {} }] }));
    expect(await nodeOf(c, "q")).toBe("d");
  });
});

describe("DefaultPreemption", () => {
  async function full() {
    const c = await cluster();
    await nodes(c, node("a"), node("b"));
    const low = (name: string, on: string, priority: number, labels = {}): Draft<corev1.Pod> =>
      pod(name, { nodeName: on, priority, terminationGracePeriodSeconds: 0 }, { cpu: "4" }, labels);
    return { c, low };
  }

  it("makes the least important pods leave", async () => {
    const { c, low } = await full();
    await using _ = c;
    await create(c, low("ten", "a", 10), low("five", "b", 5));
    await create(c, pod("vip", { priority: 100 }, { cpu: "2" }));
    await c.advance(3000);
    expect(await nodeOf(c, "vip")).toBe("b");
    await expect(get(c, "five")).rejects.toThrow("not found");
    expect((await get(c, "ten")).metadata.deletionTimestamp).toBeUndefined();
    const events = await c.client.resource(resources["events.events.k8s.io"]).list({ namespace: "default" });
    const preempted = events.items.find((e) => e.reason === "Preempted");
    expect(preempted).toMatchObject({ regarding: { name: "five" }, related: { name: "vip" }, action: "Preempting" });
  });

  it("leaves pods alone that a budget protects, where it can", async () => {
    const { c, low } = await full();
    await using _ = c;
    const budgets = c.client.resource(resources.poddisruptionbudgets);
    const spec = { minAvailable: 1, selector: { matchLabels: { app: "kept" } } };
    await budgets.create({ metadata: { name: "kept", namespace: "default" }, spec });
    await create(c, low("kept", "a", 1, { app: "kept" }), low("other", "b", 5, { app: "other" }));
    await create(c, pod("vip", { priority: 100 }, { cpu: "2" }));
    await c.advance(3000);
    expect(await nodeOf(c, "vip")).toBe("b");
  });

  it("does not preempt for equals, nor when told not to", async () => {
    const { c, low } = await full();
    await using _ = c;
    await create(c, low("x", "a", 10), low("y", "b", 10));
    await create(c, pod("equal", { priority: 10 }, { cpu: "2" }));
    expect(await whyPending(c, "equal")).toBe(
      "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
    );
    await create(c, pod("polite", { priority: 50, preemptionPolicy: "Never" }, { cpu: "2" }));
    expect(await whyPending(c, "polite")).toBe(
      "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
    );
    await create(c, pod("huge", { priority: 50 }, { cpu: "64" }));
    expect(await whyPending(c, "huge")).toBe(
      "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
  });

  it("keeps the room it made from lesser pods until the one it was made for takes it", async () => {
    const c = await cluster();
    await using _ = c;
    await nodes(c, node("a"));
    const slow = pod("slow", { nodeName: "a", priority: 1, terminationGracePeriodSeconds: 30 }, { cpu: "4" });
    await create(c, slow);
    await create(c, pod("vip", { priority: 100 }, { cpu: "4" }));
    expect((await get(c, "vip")).status.nominatedNodeName).toBe("a");
    expect((await get(c, "slow")).metadata.deletionTimestamp).toBeDefined();
    await create(c, pod("small", { priority: 0 }, { cpu: "1" }));
    await c.client.resource(resources.pods).delete({ namespace: "default", name: "slow" }, { gracePeriodSeconds: 0 });
    await c.advance(5000);
    expect([await nodeOf(c, "vip"), await nodeOf(c, "small")]).toEqual(["a", undefined]);
  });
});
