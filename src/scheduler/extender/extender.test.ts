import { describe, expect, it } from "vitest";
import type { corev1 } from "../../api/index.ts";
import type { TestCluster } from "../../testing/index.ts";
import { cluster, create, node, nodeOf, nodes, pod, whyPending } from "../fixtures.fixture.ts";
import type { KubeSchedulerConfiguration, Post } from "../index.ts";

type Extender = NonNullable<KubeSchedulerConfiguration["extenders"]>[number];
type Answers = Readonly<Record<string, (body: never) => unknown>>;

/** A cluster with one extender, whose answers are given by verb, and what it was asked. */
async function withExtender(
  answers: Answers,
  config: Extender,
): Promise<{ readonly c: TestCluster; readonly asked: [string, unknown][] }> {
  const asked: [string, unknown][] = [];
  const post: Post = (url, body) => {
    const verb = url.slice("http://ext/".length);
    asked.push([verb, body]);
    const answer = answers[verb];
    if (!answer) return Promise.reject(new Error(`Post "${url}": no such verb`));
    return Promise.resolve().then(() => answer(body as never));
  };
  const c = await cluster({
    config: { extenders: [{ urlPrefix: "http://ext/", ...config }] },
    extenderPost: () => post,
  });
  await nodes(c, node("a"), node("b"), node("c"));
  return { c, asked };
}

interface Args {
  readonly pod: corev1.Pod;
  readonly nodenames: readonly string[];
}

describe("extenders", () => {
  it("refuse nodes", async () => {
    const filter = ({ nodenames }: Args): unknown => ({
      nodenames: nodenames.filter((name) => name === "b"),
      failedNodes: { a: "not today" },
      failedAndUnresolvableNodes: { c: "never" },
    });
    const { c, asked } = await withExtender({ filter }, { filterVerb: "filter", nodeCacheCapable: true });
    await using _ = c;
    await create(c, pod("web"));
    expect(await nodeOf(c, "web")).toBe("b");
    expect(asked).toMatchObject([["filter", { pod: { metadata: { name: "web" } }, nodenames: ["a", "b", "c"] }]]);
  });

  it("are blamed when no node is left", async () => {
    const filter = (): unknown => ({
      nodenames: [],
      failedNodes: { a: "not today", b: "not today" },
      failedAndUnresolvableNodes: { c: "never" },
    });
    const { c } = await withExtender({ filter }, { filterVerb: "filter", nodeCacheCapable: true });
    await using _ = c;
    await create(c, pod("web"));
    expect(await whyPending(c, "web")).toContain("0/3 nodes are available: 1 never, 2 not today.");
  });

  it("get whole nodes unless they have them", async () => {
    const filter = ({ nodes: list }: { readonly nodes: { readonly items: readonly corev1.Node[] } }): unknown => ({
      nodes: { items: list.items.filter(({ metadata }) => metadata.name === "c") },
    });
    const { c } = await withExtender({ filter }, { filterVerb: "filter" });
    await using _ = c;
    await create(c, pod("web"));
    expect(await nodeOf(c, "web")).toBe("c");
  });

  it("score nodes by their weight", async () => {
    const prioritize = (): unknown => [
      { host: "a", score: 1 },
      { host: "b", score: 10 },
    ];
    const { c } = await withExtender(
      { prioritize },
      { prioritizeVerb: "prioritize", weight: 5, nodeCacheCapable: true },
    );
    await using _ = c;
    await create(c, pod("p1"), pod("p2"), pod("p3"));
    expect(await Promise.all(["p1", "p2", "p3"].map((name) => nodeOf(c, name)))).toEqual(["b", "b", "b"]);
  });

  it("bind", async () => {
    const answers: Answers = {
      bind: ({ podName, podNamespace, node: target }: Record<string, string>): unknown => {
        bound.push(`${podNamespace}/${podName} ${target}`);
        return {};
      },
    };
    const bound: string[] = [];
    const { c, asked } = await withExtender(answers, { bindVerb: "bind" });
    await using _ = c;
    await create(c, pod("web"));
    expect(bound).toHaveLength(1);
    expect(asked[0]?.[1]).toMatchObject({ podName: "web", podNamespace: "default" });
    expect(await nodeOf(c, "web")).toBeUndefined();
  });

  it("fail the pod when they fail, unless they are ignorable", async () => {
    const fail = (): never => {
      throw new Error("out of order");
    };
    for (const ignorable of [false, true]) {
      const { c } = await withExtender({ filter: fail }, { filterVerb: "filter", ignorable });
      await using _ = c;
      await create(c, pod("web"));
      expect((await nodeOf(c, "web")) !== undefined).toBe(ignorable);
      if (!ignorable) expect(await whyPending(c, "web")).toContain("out of order");
    }
  });

  it("see only pods that ask for what they manage, and NodeResourcesFit can leave that to them", async () => {
    const filter = (): unknown => ({ nodenames: ["b"] });
    const managedResources = [{ name: "example.com/thing", ignoredByScheduler: true }];
    const { c, asked } = await withExtender(
      { filter },
      { filterVerb: "filter", nodeCacheCapable: true, managedResources },
    );
    await using _ = c;
    const thing = { requests: { "example.com/thing": "1" }, limits: { "example.com/thing": "1" } };
    await create(
      c,
      pod("plain"),
      pod("special", { containers: [{ name: "c", image: "app", resources: thing }] as never }),
    );
    expect(await nodeOf(c, "special")).toBe("b");
    expect(asked).toHaveLength(1);
  });

  it("have a say in preemption", async () => {
    const preempt = ({
      nodeNameToMetaVictims,
    }: {
      readonly nodeNameToMetaVictims: Record<string, unknown>;
    }): unknown => ({
      nodeNameToMetaVictims: { b: nodeNameToMetaVictims["b"] },
    });
    const { c } = await withExtender({ preempt }, { preemptVerb: "preempt", nodeCacheCapable: true });
    await using _ = c;
    await create(
      c,
      ...["a", "b", "c"].map((name) =>
        pod(`on-${name}`, { nodeName: name, terminationGracePeriodSeconds: 0 }, { cpu: "4" }),
      ),
    );
    await create(c, pod("urgent", { priority: 100 }, { cpu: "1" }));
    expect(await nodeOf(c, "urgent")).toBe("b");
  });
});
