import { describe, expect, it } from "vitest";
import { type corev1, resources } from "../../api/index.ts";
import type { TestCluster } from "../../testing/index.ts";
import { cluster, create, get, node, nodeOf, nodes, pod, whyPending } from "../fixtures.fixture.ts";
import { Action, type PluginHandle, type SchedulerPlugin, unschedulable } from "../index.ts";

type Make = (handle: PluginHandle) => Omit<SchedulerPlugin, "name">;

/** A cluster with two nodes and a plugin `Mine` at every extension point it has. */
async function withPlugin(make: Make): Promise<TestCluster> {
  const config = { profiles: [{ plugins: { multiPoint: { enabled: [{ name: "Mine", weight: 100 }] } } }] };
  const c = await cluster({ config, plugins: { Mine: (_args, handle) => ({ name: "Mine", ...make(handle) }) } });
  await nodes(c, node("a"), node("b"));
  return c;
}

describe("a plugin", () => {
  it("is asked at every extension point in order", async () => {
    const calls: string[] = [];
    const call = (name: string): undefined => void calls.push(name);
    await using c = await withPlugin(() => ({
      preEnqueue: () => call("preEnqueue"),
      preFilter: () => call("preFilter"),
      filter: (_, { name }) => call(`filter ${name}`),
      preScore: () => call("preScore"),
      score: (_, { name }) => {
        call(`score ${name}`);
        return name === "b" ? 100 : 0;
      },
      normalizeScores: () => call("normalizeScores"),
      reserve: (_, name) => call(`reserve ${name}`),
      permit: (_, name) => call(`permit ${name}`),
      preBind: (_, name) => call(`preBind ${name}`),
      postBind: (_, name) => call(`postBind ${name}`),
    }));
    await create(c, pod("web"));
    expect(await nodeOf(c, "web")).toBe("b");
    expect(calls).toEqual([
      "preEnqueue",
      "preFilter",
      "filter a",
      "filter b",
      "preScore",
      "score a",
      "score b",
      "normalizeScores",
      "reserve b",
      "permit b",
      "preBind b",
      "postBind b",
    ]);
  });

  it("keeps a pod out of the queue until one of its events", async () => {
    await using c = await withPlugin(() => ({
      preEnqueue: ({ pod: { metadata } }) => (metadata.annotations?.["go"] ? undefined : unschedulable("not yet")),
      events: () => [{ event: { resource: "Pod", action: Action.UpdatePodLabel } }],
    }));
    await create(c, pod("web"));
    expect(await nodeOf(c, "web")).toBeUndefined();
    const pods = c.client.resource(resources.pods);
    const body = { metadata: { annotations: { go: "1" }, labels: { x: "y" } } };
    await pods.patch({ namespace: "default", name: "web" }, { type: "merge", body });
    await c.settle();
    expect(await nodeOf(c, "web")).toBeDefined();
  });

  it("holds a pod at Permit until it is let go", async () => {
    let handle: PluginHandle | undefined;
    await using c = await withPlugin((given) => {
      handle = given;
      return { permit: () => ({ code: "Wait", reasons: [], timeout: 10_000 }) };
    });
    await create(c, pod("web"));
    expect(await nodeOf(c, "web")).toBeUndefined();
    const { metadata } = await get(c, "web");
    const waiting = handle?.waitingPod(metadata.uid);
    expect(waiting?.holders).toEqual(["Mine"]);
    waiting?.allow("Mine");
    await c.settle();
    expect(await nodeOf(c, "web")).toBeDefined();
  });

  it("times out at Permit, and the node is free again", async () => {
    const undone: string[] = [];
    await using c = await withPlugin(() => ({
      events: () => [{ event: { resource: "CSINode", action: Action.Add } }],
      filter: (_, { name }) => (name === "a" ? undefined : unschedulable("not a")),
      permit: ({ pod: { metadata } }) =>
        metadata.name === "slow" ? { code: "Wait", reasons: [], timeout: 5000 } : undefined,
      unreserve: ({ pod: { metadata } }) => void undone.push(metadata.name),
    }));
    await create(c, pod("slow", {}, { cpu: "3" }));
    await create(c, pod("next", {}, { cpu: "3" }));
    expect(await nodeOf(c, "next")).toBeUndefined();
    await c.advance(6000);
    expect(undone[0]).toBe("slow");
    expect(await whyPending(c, "slow")).toContain("rejected due to timeout after waiting 5s at plugin Mine");
    await c.advance(3000);
    expect(await nodeOf(c, "next")).toBe("a");
  });

  it.each(["reserve", "preBind"] as const)("refuses at %s, and the pod is tried again", async (point) => {
    let refusals = 1;
    const undone: string[] = [];
    const refuse = (): ReturnType<typeof unschedulable> | undefined =>
      refusals-- > 0 ? unschedulable("no luck") : undefined;
    await using c = await withPlugin(() => ({
      events: () => [{ event: { resource: "Node", action: Action.Add } }],
      [point]: refuse,
      unreserve: (_, name) => void undone.push(name),
    }));
    await create(c, pod("web"));
    expect(await nodeOf(c, "web")).toBeUndefined();
    expect(await whyPending(c, "web")).toContain("no luck");
    expect(undone).toHaveLength(1);
    await nodes(c, node("c"));
    await c.advance(3000);
    expect(await nodeOf(c, "web")).toBeDefined();
  });

  it("may throw: the pod is tried again after a while", async () => {
    let faults = 1;
    await using c = await withPlugin(() => ({
      filter: () => {
        if (faults-- > 0) throw new Error("broken");
        return undefined;
      },
    }));
    await create(c, pod("web"));
    expect((await get(c, "web")).status.conditions).toMatchObject([{ reason: "SchedulerError" }]);
    expect(await whyPending(c, "web")).toContain(`running "Mine" filter plugin: broken`);
    await c.advance(3000);
    expect(await nodeOf(c, "web")).toBeDefined();
  });

  it("binds pods its own way", async () => {
    await using c = await withPlugin(({ client }) => ({
      bind: async ({ pod: { metadata } }) => {
        if (metadata.name !== "mine") return { code: "Skip", reasons: [] };
        const body = {
          apiVersion: "v1",
          kind: "Binding",
          metadata: { namespace: metadata.namespace, name: metadata.name },
          target: { kind: "Node", name: "b" },
        };
        const pods = client.resource(resources.pods);
        await pods.create(body as never, { subresource: "binding", name: metadata.name });
        return undefined;
      },
      filter: (_, { name }) => (name === "b" ? undefined : unschedulable("no")),
    }));
    await create(c, pod("mine"), pod("theirs"));
    const bound: (corev1.Pod | undefined)[] = [await get(c, "mine"), await get(c, "theirs")];
    expect(bound.map((one) => one?.spec.nodeName)).toEqual(["b", "b"]);
  });

  it("helps a pod that fits nowhere", async () => {
    await using c = await withPlugin(() => ({
      postFilter: () => ({ nominatedNode: "a" }),
    }));
    await create(c, pod("big", {}, { cpu: "8" }));
    expect((await get(c, "big")).status.nominatedNodeName).toBe("a");
  });
});
