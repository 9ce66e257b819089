import { type corev1, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { type Env, type Latch, errorText } from "../../kit/index.ts";
import { deepEqual, isAlreadyExists } from "../../machinery/index.ts";
import type { Runtime, StatusResponse } from "../../host/cri/index.ts";
import type { KubeletConfig } from "../config.ts";
import { keepLease } from "./lease.ts";
import type { MachineFacts } from "./machine.ts";
import { type NodeStatusInput, defaultLabels, initialNode, nodeStatus, readinessFaults } from "./node-status.ts";

type Node = corev1.Node;

export interface NodeAgentOptions {
  readonly client: Client;
  readonly env: Env;
  readonly runtime: Runtime;
  readonly config: KubeletConfig;
  readonly nodeName: string;
  readonly nodeIPs: readonly string[];
  readonly machine: MachineFacts;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly runtimeVersion: string;
  readonly port: () => number;
  /** Why the kubelet itself is not ready; empty: it is. */
  readonly notReady: () => string;
  /** Opens once the node is registered. */
  readonly registered: Latch;
}

/** While the node is not ready it is looked at often, so that the cluster learns at once when it is, ms. */
const EAGER_MS = 100;
/** How long a restarted kubelet may take to find its feet, ms. */
const SETTLE_MS = 10_000;
const RETRY_MS = [100, 200, 400, 800, 1600, 3000, 7000];

/** Registers this node and keeps its status and lease up to date. */
export class NodeAgent {
  readonly #o: NodeAgentOptions;
  #node: Node | undefined;
  #reported = -Infinity;
  #started = 0;
  #wake: () => void = () => undefined;

  constructor(options: NodeAgentOptions) {
    this.#o = options;
  }

  /** Look at the node's state now. */
  poke(): void {
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#started = this.#o.env.clock.monotonic();
    await this.#register(signal);
    const { client, env, config, nodeName } = this.#o;
    const lease = {
      nodeName,
      durationSeconds: config.nodeLeaseDurationSeconds,
      nodeUid: () => this.#node?.metadata.uid,
    };
    await Promise.all([keepLease(client, env, lease, signal), this.#report(signal)]);
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { env, config, registered } = this.#o;
    for (let failures = 0; !signal.aborted && config.registerNode; failures++) {
      try {
        this.#node = await this.#createOrAdopt();
        registered.open();
        return;
      } catch (error) {
        env.log.warn("Node could not be registered", { error: errorText(error) });
        const delay = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 7000;
        await env.clock.sleep(delay, signal).catch(() => undefined);
      }
    }
  }

  async #createOrAdopt(): Promise<Node> {
    const { client, config, nodeName, machine } = this.#o;
    const nodes = client.resource(resources.nodes);
    const fresh = initialNode(nodeName, machine.architecture, config.nodeLabels, config.registerWithTaints);
    const { runtime, images } = await this.#look();
    const status = nodeStatus(this.#input(runtime, images), undefined);
    try {
      const made = await nodes.create({ ...fresh, status });
      this.#reported = this.#o.env.clock.monotonic();
      return made;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const node = await nodes.get({ name: nodeName });
    const wanted = { ...defaultLabels(nodeName, machine.architecture), ...config.nodeLabels };
    const missing = Object.entries(wanted).filter(([key, value]) => node.metadata.labels?.[key] !== value);
    if (missing.length === 0) return node;
    const body = { metadata: { labels: Object.fromEntries(missing) } };
    return nodes.patch({ name: nodeName }, { type: "strategic", body });
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { env, config } = this.#o;
    while (!signal.aborted) {
      let ready = false;
      try {
        ready = await this.#reportOnce();
      } catch (error) {
        if (!signal.aborted) env.log.warn("Node status could not be written", { error: errorText(error) });
      }
      const pause = new AbortController();
      this.#wake = () => pause.abort();
      const delay = ready ? config.nodeStatusUpdateFrequencyMs : EAGER_MS;
      await env.clock.sleep(delay, AbortSignal.any([signal, pause.signal])).catch(() => undefined);
    }
  }

  /** Writes the status when it differs from the last one, or is due anyway. Resolves with whether the node is ready. */
  async #reportOnce(): Promise<boolean> {
    const { client, config, env, nodeName } = this.#o;
    const { runtime, images } = await this.#look();
    const input = this.#input(runtime, images);
    const ready = readinessFaults(input).length === 0;
    if (!ready && this.#isSettling()) return false;
    const status = nodeStatus(input, this.#node?.status);
    const due = env.clock.monotonic() - this.#reported >= config.nodeStatusReportFrequencyMs;
    if (due || !deepEqual(withoutHeartbeats(status), withoutHeartbeats(pick(this.#node?.status, status)))) {
      const body = { status: { ...status, addresses: [{ $patch: "replace" }, ...(status.addresses ?? [])] } };
      this.#node = await client
        .resource(resources.nodes)
        .patch({ name: nodeName }, { type: "strategic", body }, { subresource: "status" });
      this.#reported = env.clock.monotonic();
    }
    return ready;
  }

  /**
   * A kubelet that has just been restarted is not ready yet, but its pods run as before: to say so would take them out of
   * their Services. What the cluster knew stands until there was time to look around.
   */
  #isSettling(): boolean {
    const knownReady = (this.#node?.status.conditions ?? []).some((c) => c.type === "Ready" && c.status === "True");
    return knownReady && this.#o.env.clock.monotonic() - this.#started < SETTLE_MS;
  }

  async #look(): Promise<{ runtime: StatusResponse | undefined; images: NodeStatusInput["images"] }> {
    const options = { timeoutMs: 5000 };
    const [runtime, images] = await Promise.all([
      this.#o.runtime.status({}, options).catch(() => undefined),
      this.#o.runtime.listImages({}, options).catch(() => ({ images: [] })),
    ]);
    return { runtime, images: images.images };
  }

  #input(runtime: StatusResponse | undefined, images: NodeStatusInput["images"]): NodeStatusInput {
    const notReady = this.#o.notReady();
    return { ...this.#o, runtime, images, port: this.#o.port(), now: this.#o.env.clock.now(), notReady };
  }
}

/** Of what is in the API only the parts that we write. */
function pick(known: Node["status"] | undefined, ours: Node["status"]): Node["status"] | undefined {
  if (!known) return undefined;
  const types = new Set((ours.conditions ?? []).map((c) => c.type));
  const keys = Object.keys(ours) as (keyof Node["status"])[];
  const same = Object.fromEntries(keys.map((key) => [key, known[key]])) as unknown as Node["status"];
  return { ...same, conditions: (known.conditions ?? []).filter((c) => types.has(c.type)) };
}

function withoutHeartbeats(status: Node["status"] | undefined): unknown {
  if (!status) return undefined;
  const conditions = (status.conditions ?? []).map((c) => ({ ...c, lastHeartbeatTime: "" }));
  return { ...status, conditions: conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1)) };
}
