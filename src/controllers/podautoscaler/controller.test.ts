import { describe, expect, it } from "vitest";
import { type autoscalingv2, resources } from "../../api/index.ts";
import { type Client, createClient, type Transport } from "../../client/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { createCluster, type TestCluster } from "../../testing/index.ts";
import { podRunner } from "../fixtures/harness.ts";
import { createControllers, MANAGER } from "../manager.ts";

const labels = { app: "web" };
const KEY = { namespace: "default", name: "web" };

/** A client for which there is a metrics API: every pod uses what `usage` says. */
function withMetrics(client: Client, metrics: () => unknown): Client {
  const { transport } = client;
  const faked: Transport = {
    request: (request) =>
      request.path.startsWith("/apis/metrics.k8s.io/")
        ? Promise.resolve({ status: 200, headers: {}, body: metrics() })
        : transport.request(request),
    watch: (request) => transport.watch(request),
  };
  return createClient(faked);
}

async function start() {
  let cpu: string | undefined;
  let cluster: TestCluster | undefined;
  let names: string[] = [];
  const metrics = (): unknown => ({
    items: names.map((name) => ({
      metadata: { name, namespace: "default" },
      timestamp: formatTime(cluster?.clock.now() ?? 0),
      window: "30s",
      containers: cpu === undefined ? [] : [{ name: "main", usage: { cpu } }],
    })),
  });
  cluster = await createCluster({
    components: [
      podRunner(),
      (parts) =>
        createControllers({
          env: parts.env,
          clientFor: (name) =>
            name === MANAGER
              ? parts.clientFor("system:kube-controller-manager")
              : withMetrics(parts.clientFor(`system:serviceaccount:kube-system:${name}`), metrics),
          config: { controllers: ["horizontalpodautoscaling", "deployment", "replicaset"] },
        }),
    ],
  });
  const { client } = cluster;
  const container = { name: "main", image: "demo", resources: { requests: { cpu: "1" } } };
  await client.resource(resources.deployments).create({
    metadata: KEY,
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  });
  const autoscalers = client.resource(resources.horizontalpodautoscalers);
  await autoscalers.create({
    metadata: KEY,
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
      ],
    },
  });
  const use = async (amount: string | undefined, ms: number): Promise<void> => {
    cpu = amount;
    for (let left = ms; left > 0; left -= 15_000) {
      const { items } = await client.resource(resources.pods).list({ namespace: "default" });
      names = items.map(({ metadata }) => metadata.name);
      await cluster.advance(15_000);
    }
  };
  const replicas = async () => (await client.resource(resources.deployments).get(KEY)).spec.replicas;
  const status = async () => (await autoscalers.get(KEY)).status;
  const condition = (of: autoscalingv2.HorizontalPodAutoscalerStatus, type: string) => {
    const found = of.conditions?.find((candidate) => candidate.type === type);
    return `${found?.status} ${found?.reason}`;
  };
  await use(undefined, 390_000);
  return { cluster, use, replicas, status, condition };
}

describe("HorizontalPodAutoscalers in a cluster", () => {
  it("follow the use of CPU, down only after a while", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    await t.use("900m", 30_000);
    expect(await t.replicas()).toBe(4);
    await t.use("900m", 30_000);
    expect(await t.replicas()).toBe(5);
    const limited = await t.status();
    expect(t.condition(limited, "ScalingLimited")).toBe("True TooManyReplicas");
    expect(limited).toMatchObject({ desiredReplicas: 5, lastScaleTime: expect.any(String) as string });
    await t.use("100m", 60_000);
    expect(await t.replicas()).toBe(5);
    await t.use("100m", 600_000);
    expect(await t.replicas()).toBe(1);
    const settled = await t.status();
    const current = { averageUtilization: 10, averageValue: "100m" };
    expect(settled.currentMetrics).toEqual([{ type: "Resource", resource: { name: "cpu", current } }]);
  });

  it("stay when nothing can be measured", async () => {
    const t = await start();
    await using _cluster = t.cluster;
    await t.use(undefined, 60_000);
    expect(await t.replicas()).toBe(2);
    const status = await t.status();
    expect(t.condition(status, "ScalingActive")).toBe("False FailedGetResourceMetric");
    expect(t.condition(status, "AbleToScale")).toBe("True SucceededGetScale");
  });
});
