import { type corev1, type Draft, resources } from "../api/index.ts";
import { createCluster, type TestCluster } from "../testing/index.ts";
import { createScheduler, type SchedulerOptions } from "./index.ts";

/** A cluster in process with a scheduler and no nodes. */
export async function cluster(options: Partial<SchedulerOptions> = {}): Promise<TestCluster> {
  return createCluster({ components: [({ env, client }) => createScheduler({ env, client, ...options })] });
}

/** A node with 4 cpus, 8 GiB and room for 110 pods. */
export function node(name: string, more: Partial<Draft<corev1.Node>> = {}): Draft<corev1.Node> {
  return {
    spec: {},
    ...more,
    metadata: { name, ...more.metadata },
    status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" }, ...more.status } as corev1.NodeStatus,
  };
}

/** A node with labels; every node has its hostname. */
export function labelled(name: string, labels: Record<string, string>): Draft<corev1.Node> {
  return node(name, { metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } } });
}

/** A pod with one container that asks for `requests`. */
export function pod(
  name: string,
  spec: Partial<Draft<corev1.PodSpec>> = {},
  requests: Record<string, string> = { cpu: "100m", memory: "64Mi" },
  labels: Record<string, string> = {},
): Draft<corev1.Pod> {
  return {
    metadata: { name, namespace: "default", labels },
    spec: { containers: [{ name: "c", image: "app", resources: { requests } }], ...spec } as corev1.PodSpec,
  };
}

/** Creates pods, one after the other, and lets the cluster come to rest. */
export async function create(c: TestCluster, ...objects: readonly Draft<corev1.Pod>[]): Promise<void> {
  for (const object of objects) await c.client.resource(resources.pods).create(object);
  await c.settle();
}

/** Creates nodes with their status. */
export async function nodes(c: TestCluster, ...objects: readonly Draft<corev1.Node>[]): Promise<void> {
  const client = c.client.resource(resources.nodes);
  for (const object of objects) {
    const made = await client.create(object);
    await client.update({ ...made, status: object.status as corev1.NodeStatus }, { subresource: "status" });
  }
  await c.settle();
}

/** The pod as the server has it. */
export function get({ client }: TestCluster, name: string): Promise<corev1.Pod> {
  return client.resource(resources.pods).get({ namespace: "default", name });
}

/** Where a pod is. */
export async function nodeOf(c: TestCluster, name: string): Promise<string | undefined> {
  return (await get(c, name)).spec.nodeName;
}

/** How many pods are on each node. */
export async function perNode({ client }: TestCluster): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { spec } of (await client.resource(resources.pods).list()).items) {
    const name = spec.nodeName ?? "";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Why a pod waits. */
export async function whyPending(c: TestCluster, name: string): Promise<string | undefined> {
  return (await get(c, name)).status.conditions?.find((one) => one.type === "PodScheduled")?.message;
}
