import { type corev1, resources } from "../../api/index.ts";
import { type Client, createController, createInformerFactory, type Informer } from "../../client/index.ts";
import { abortable, type Component, deferred, type Env, mapConcurrent } from "../../kit/index.ts";
import { formatMicroTime, isAlreadyExists, isConflict, isNotFound } from "../../machinery/index.ts";
import { addressOf, LEASE_NAMESPACE, leaseObject, nodeObject, nodeStatus, type SimulatedNode } from "./node.ts";
import { type PodStep, stepPod } from "./pod.ts";

export type { SimulatedNode } from "./node.ts";

export interface SimulatedNodesOptions {
  readonly client: Client;
  readonly env: Env;
  readonly nodes: readonly SimulatedNode[];
  /** Between heartbeats of a node, ms. Default: 10 s, as the kubelet's. */
  readonly heartbeatMs?: number;
}

const HEARTBEAT_MS = 10_000;
/** Requests under way at a time when all nodes register or beat. */
const CONCURRENCY = 32;
const POD_WORKERS = 16;

/**
 * Nodes that exist only as API objects: they register, send heartbeats, and pretend to run the pods bound to them. One
 * component carries thousands: their pods share one watch, their heartbeats one timer.
 */
export function createSimulatedNodes(options: SimulatedNodesOptions): Component & { ready(): Promise<void> } {
  const { client, env } = options;
  const informers = createInformerFactory(client, env);
  const [only] = options.nodes;
  const selector = options.nodes.length === 1 && only ? { fieldSelector: `spec.nodeName=${only.name}` } : {};
  const pods = informers.informer(resources.pods, selector);
  const nodes = new Map(options.nodes.map((node, index) => [node.name, { node, index }]));
  const registered = deferred<void>();
  const runner = podRunner(options, pods, nodes);
  return {
    name: "simulated-nodes",
    ready: () => registered.promise,
    async run(signal) {
      const uids = await mapConcurrent([...nodes.values()], CONCURRENCY, ({ node, index }) =>
        register(client, env, node, index),
      );
      const watching = informers.run(signal);
      const running = runner.run(signal);
      registered.resolve();
      await heartbeats(options, uids, signal);
      await Promise.all([watching, running]);
    },
  };
}

/** Creates the node and its first heartbeat; a node that is there already is told to be healthy. Returns name and uid. */
async function register(
  client: Client,
  env: Env,
  node: SimulatedNode,
  index: number,
): Promise<{ name: string; uid: string }> {
  const api = client.resource(resources.nodes);
  const now = env.clock.now();
  let found: corev1.Node;
  try {
    found = await api.create(nodeObject(node, index, now));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const patch = { type: "strategic", body: { status: nodeStatus(node, index, now) } } as const;
    found = await api.patch({ name: node.name }, patch, { subresource: "status" });
  }
  const identity = { name: node.name, uid: found.metadata.uid };
  await client
    .resource(resources.leases)
    .create(leaseObject(identity, now))
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  return identity;
}

/** Renews every node's Lease again and again, until aborted. A node whose Lease or Node is gone registers anew. */
async function heartbeats(
  options: SimulatedNodesOptions,
  nodes: readonly { name: string; uid: string }[],
  signal: AbortSignal,
): Promise<void> {
  const { client, env } = options;
  const leases = client.resource(resources.leases);
  const log = env.log.with({ component: "simulated-nodes" });
  while (!signal.aborted) {
    await abortable(env.clock.sleep(options.heartbeatMs ?? HEARTBEAT_MS, signal), signal).catch(() => undefined);
    if (signal.aborted) return;
    const body = { spec: { renewTime: formatMicroTime(env.clock.now()) } };
    await mapConcurrent(nodes, CONCURRENCY, async (node) => {
      try {
        await leases.patch({ namespace: LEASE_NAMESPACE, name: node.name }, { type: "merge", body });
      } catch (error) {
        if (isNotFound(error)) await leases.create(leaseObject(node, env.clock.now())).catch(() => undefined);
        else
          log.warn("cannot renew a node's lease", {
            node: node.name,
            error: error instanceof Error ? error.message : String(error),
          });
      }
    });
  }
}

/** The loop that carries pods of our nodes from step to step. */
function podRunner(
  options: SimulatedNodesOptions,
  pods: Informer<corev1.Pod>,
  nodes: ReadonlyMap<string, { readonly node: SimulatedNode; readonly index: number }>,
): Component {
  const api = options.client.resource(resources.pods);
  const { clock } = options.env;
  let addresses = 0;
  const controller = createController({
    name: "simulated-pods",
    env: options.env,
    workers: POD_WORKERS,
    informers: [pods],
    async reconcile(key) {
      const pod = pods.lister.get(key);
      const owner = nodes.get(pod?.spec.nodeName ?? "");
      if (!pod || !owner) return;
      const podIP = (): string => podAddress(addresses++);
      const step = stepPod(pod, { hostIP: addressOf(owner.node, owner.index), podIP, now: clock.now() });
      await carryOut(pod, step).catch((error: unknown) => {
        // Gone or replaced meanwhile: the watch tells what to do next.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      });
    },
  });

  async function carryOut(pod: corev1.Pod, step: PodStep): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    if (step.kind === "remove")
      return api.delete({ namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    if (step.kind === "none") return;
    const body = { metadata: { uid }, status: step.status };
    await api.patch({ namespace, name }, { type: "strategic", body }, { subresource: "status" });
  }

  const touch = (pod: corev1.Pod): void => {
    if (nodes.has(pod.spec.nodeName ?? "")) controller.queue.add(`${pod.metadata.namespace}/${pod.metadata.name}`);
  };
  pods.handle({ added: touch, updated: touch });
  return controller;
}

/** Addresses out of 10.128.0.0/9, counted up: nothing is ever sent to them. */
function podAddress(count: number): string {
  return `10.${128 + ((count >> 16) & 127)}.${(count >> 8) & 255}.${count & 255}`;
}
