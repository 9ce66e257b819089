import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { cluster, create, get, node, nodeOf, nodes, pod, whyPending } from "../fixtures.fixture.ts";
import { loadSchedulerConfig, loadSchedulerPlugins } from "../index.ts";

const HEAD = `apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n`;

function problemOf(body: string): string {
  try {
    loadSchedulerConfig(HEAD + body);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

describe("loadSchedulerConfig", () => {
  it("fills in upstream's defaults", () => {
    const config = loadSchedulerConfig(HEAD);
    expect(config).toMatchObject({
      parallelism: 16,
      podInitialBackoffSeconds: 1,
      podMaxBackoffSeconds: 10,
      percentageOfNodesToScore: 0,
      leaderElection: { leaderElect: true, leaseDuration: "15s", resourceName: "kube-scheduler" },
      profiles: [{ schedulerName: "default-scheduler" }],
    });
  });

  it("takes JSON", () => {
    const text = `{"apiVersion":"kubescheduler.config.k8s.io/v1","kind":"KubeSchedulerConfiguration","parallelism":3}`;
    expect(loadSchedulerConfig(text).parallelism).toBe(3);
  });

  it.each([
    ["parallelism: 0", "parallelism: Invalid value: 0: should be an integer value greater than zero"],
    [
      "podInitialBackoffSeconds: 20",
      "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds",
    ],
    ["percentageOfNodesToScore: 101", "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"],
    [
      "leaderElection: {leaderElect: true, resourceLock: configmaps}",
      `leaderElection.resourceLock: Invalid value: "configmaps": resourceLock value must be "leases"`,
    ],
    [
      "profiles: [{schedulerName: a}, {schedulerName: a}]",
      `profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"`,
    ],
    [
      "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {queueSort: {enabled: [{name: Mine}]}}}]",
      'profiles[1].plugins.queueSort: Invalid value: {"enabled":[{"name":"Mine"}]}: must be the same for all profiles',
    ],
    [
      "profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 101}}]}]",
      "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
    ],
    [
      "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Most}}}]}]",
      `profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Most": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
    ],
    [
      "extenders: [{urlPrefix: 'http://a', bindVerb: b}, {urlPrefix: 'http://b', bindVerb: b}]",
      'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
    ],
    [
      "extenders: [{urlPrefix: 'http://a', managedResources: [{name: cpu}]}]",
      `extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name`,
    ],
    ["profilez: []", `strict decoding error: unknown field "profilez"`],
    ["parallelism: 1\nparallelism: 2", "already set in map"],
    ["profiles: [{pluginConfig: [{name: VolumeBinding, args: {timeout: 1}}]}]", `unknown field "timeout"`],
  ])("refuses %s", (body, problem) => {
    expect(problemOf(body)).toContain(problem);
  });

  it("refuses other kinds and other versions", () => {
    const text = `apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration`;
    expect(() => loadSchedulerConfig(text)).toThrow(`got apiVersion "kubescheduler.config.k8s.io/v1beta3"`);
  });
});

describe("profiles", () => {
  it("schedule the pods that ask for them, each with its plugins", async () => {
    const config = loadSchedulerConfig(`${HEAD}
profiles:
- schedulerName: default-scheduler
- schedulerName: pack
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 1}]}}
  plugins:
    score: {disabled: [{name: NodeResourcesBalancedAllocation}]}
- schedulerName: careless
  plugins:
    multiPoint: {disabled: [{name: TaintToleration}]}
`);
    await using c = await cluster({ config });
    await nodes(
      c,
      node("busy"),
      node("idle"),
      node("tainted", {
        spec: { taints: [{ key: "k", effect: "NoSchedule" }] },
        status: { allocatable: { cpu: "64", memory: "64Gi", pods: "110" } } as never,
      }),
    );
    await create(c, pod("first", { nodeName: "busy" }, { cpu: "2" }));
    await create(
      c,
      pod("spreading"),
      pod("packing", { schedulerName: "pack" }),
      pod("daring", { schedulerName: "careless" }),
    );
    expect(await nodeOf(c, "spreading")).toBe("idle");
    expect(await nodeOf(c, "packing")).toBe("busy");
    expect(await nodeOf(c, "daring")).toBe("tainted");
  });

  it("are refused when they name plugins that do not exist", async () => {
    const config = loadSchedulerConfig(`${HEAD}profiles: [{plugins: {filter: {enabled: [{name: Nope}]}}}]`);
    await expect(cluster({ config })).rejects.toThrow("Nope");
  });
});

describe("loadSchedulerPlugins", () => {
  it("loads plugins from modules that the configuration names", async () => {
    const config = loadSchedulerConfig(`${HEAD}
profiles:
- plugins: {multiPoint: {enabled: [{name: ./plugin.fixture.ts}]}}
  pluginConfig: [{name: ./plugin.fixture.ts, args: {node: b}}]
`);
    const plugins = await loadSchedulerPlugins(config, import.meta.url);
    await using c = await cluster({ config, plugins });
    await nodes(c, node("a"), node("b"));
    await create(c, pod("web"));
    expect(await nodeOf(c, "web")).toBe("b");
    await create(c, pod("big", {}, { cpu: "3950m" }));
    expect(await whyPending(c, "big")).toContain(
      "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) are not the one.",
    );
    expect((await get(c, "big")).status.phase).toBe("Pending");
  });

  it("says which module has no plugin", async () => {
    const name = fileURLToPath(new URL("../fixtures.fixture.ts", import.meta.url));
    const config = loadSchedulerConfig(`${HEAD}profiles: [{plugins: {filter: {enabled: [{name: "${name}"}]}}}]`);
    await expect(loadSchedulerPlugins(config, import.meta.url)).rejects.toThrow(`expected an export "plugin"`);
  });
});
