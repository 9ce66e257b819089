import { type coordinationv1, type corev1, resources } from "../../api/index.ts";
import { cacheKey, type Informer, type ResourceClient } from "../../client/index.ts";
import { type Component, RateLimiter } from "../../kit/index.ts";
import { formatTime, isNotFound } from "../../machinery/index.ts";
import { keyOf } from "../common/claims.ts";
import type { ControllerContext } from "../common/context.ts";
import { BY_NODE } from "../common/indexes.ts";
import { WriteLedger } from "../common/ledger.ts";
import { Loop } from "../common/loop.ts";
import { isNodeReady, nodeCondition, zoneKey } from "../common/nodes.ts";
import { isPodReady } from "../common/pods.ts";
import { Heartbeats } from "./heartbeats.ts";
import { evictionTaints, executeTaints, repeatedLabels, scheduleTaints, silentConditions } from "./plan.ts";
import { Zones } from "./zones.ts";

type Node = corev1.Node;

const LEASES = "kube-node-lease";
const EXCLUDED = "node.kubernetes.io/exclude-disruption";

interface Eviction {
  /** Nodes that wait to be tainted, in the order of their loss. */
  readonly waiting: Set<string>;
  limiter: RateLimiter | undefined;
}

/**
 * Notices nodes that fall silent, says so in their conditions, and taints them: at once so that nothing new comes, and at a limited
 * rate so that what runs there leaves. When all zones are lost it evicts nobody. Each node is looked at when something happens
 * to it or its grace ends, never all of them in turn.
 */
export class NodeLifecycle implements Component {
  readonly name: string;
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #client: ResourceClient<Node>;
  readonly #ledger: WriteLedger<Node>;
  readonly #heartbeats = new Heartbeats();
  readonly #zones: Zones;
  readonly #evictions = new Map<string, Eviction>();
  /** Nodes whose pods are still to be marked not ready. */
  readonly #unmarked = new Set<string>();
  readonly #loop: Loop;
  readonly #evictor: Loop;

  constructor(context: ControllerContext) {
    const { caches, client, config, env } = context;
    this.name = context.name;
    this.#context = context;
    this.#zones = new Zones(config);
    this.#nodes = caches.informer(resources.nodes);
    this.#pods = caches.pods();
    this.#client = client.resource(resources.nodes);
    this.#ledger = new WriteLedger(this.#nodes, this.#client, env, (node) => this.#loop.add(node.metadata.name));
    const leases = caches.informer(resources.leases, { namespace: LEASES });
    this.#loop = new Loop({
      context,
      workers: 8,
      informers: [this.#nodes, this.#pods, leases],
      reconcile: (name, signal) => this.#reconcile(name, signal),
      close: () => this.#ledger.close(),
    });
    this.#evictor = new Loop({
      context: { name: `${context.name}-evictor`, env },
      workers: 1,
      informers: [this.#nodes],
      reconcile: (zone, signal) => this.#evict(zone, signal),
    });
    this.#followNodes();
    this.#followLeases(leases);
    this.#pods.handle({
      added: (pod) => this.#assigned(pod),
      updated: (pod, before) => {
        if (pod.spec.nodeName !== before.spec.nodeName) this.#assigned(pod);
      },
    });
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await this.#loop.ready(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const counted = this.#nodes.whenSynced(signal).then(
      () => this.#zonesChanged(),
      () => undefined,
    );
    await Promise.all([counted, this.#loop.run(signal), this.#evictor.run(signal)]);
  }

  #followNodes(): void {
    const tell = (node: Node, reason: string, what: string): void =>
      this.#context.events.normal(resources.nodes, node, reason, `Node ${node.metadata.name} event: ${what}`);
    const seen = (node: Node): void => {
      this.#heartbeats.status(node, this.#now());
      this.#count(node);
      this.#loop.add(node.metadata.name);
    };
    this.#nodes.handle({
      added: (node) => {
        tell(node, "RegisteredNode", `Registered Node ${node.metadata.name} in Controller`);
        seen(node);
      },
      updated: seen,
      deleted: (node) => {
        tell(node, "RemovingNode", `Removing Node ${node.metadata.name} from Controller`);
        this.#heartbeats.forget(node.metadata.name);
        this.#zones.delete(node.metadata.name);
        this.#zonesChanged();
      },
    });
  }

  #followLeases(leases: Informer<coordinationv1.Lease>): void {
    const seen = (lease: coordinationv1.Lease): void => this.#heartbeats.lease(lease, this.#now());
    leases.handle({
      added: seen,
      updated: seen,
      deleted: (lease) => this.#heartbeats.forgetLease(lease.metadata.name),
    });
  }

  /** A pod that comes to a node which is not ready is not ready either. */
  #assigned(pod: corev1.Pod): void {
    const { nodeName } = pod.spec;
    const node = nodeName === undefined ? undefined : this.#nodes.lister.get(nodeName);
    if (node === undefined || nodeCondition(node, "Ready") === undefined || isNodeReady(node)) return;
    this.#unmarked.add(node.metadata.name);
    this.#loop.add(node.metadata.name);
  }

  #count(node: Node): void {
    const { name, labels } = node.metadata;
    if (labels?.[EXCLUDED] === undefined) this.#zones.set(name, zoneKey(node), isNodeReady(node));
    else this.#zones.delete(name);
    this.#zonesChanged();
  }

  #zonesChanged(): void {
    // Before all nodes are known, a lost one would look like all of them lost.
    if (!this.#nodes.synced) return;
    const { enteredFull, leftFull, rates } = this.#zones.update();
    for (const [zone, rate] of rates) this.#setRate(zone, rate);
    const { log } = this.#context.env;
    if (enteredFull) log.warn("All nodes are lost: nobody is evicted until one comes back");
    if (leftFull) {
      log.info("Some node is back: lost nodes are evicted again");
      this.#heartbeats.reset(this.#now());
    }
    if (enteredFull || leftFull) for (const { metadata } of this.#nodes.lister.list()) this.#loop.add(metadata.name);
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<number | undefined> {
    const cached = this.#ledger.get(name);
    if (cached === undefined) return undefined;
    const { node, wakeIn } = await this.#judge(cached, signal);
    const labels = repeatedLabels(node);
    const now = this.#now();
    let current = node;
    const schedule = scheduleTaints(current, now);
    if (schedule !== undefined) current = await this.#patchTaints(current, schedule, signal);
    const execute = executeTaints(current, this.#zones.allLost, now);
    if (execute.kind === "write") current = await this.#patchTaints(current, execute.taints, signal);
    this.#queueEviction(current, execute.kind === "queue");
    if (labels !== undefined) await this.#patch(current, { metadata: { labels } }, signal);
    await this.#markPods(current, signal);
    return wakeIn;
  }

  /** Marks a node that has been silent for too long; says when to look again. */
  async #judge(node: Node, signal: AbortSignal): Promise<{ node: Node; wakeIn: number | undefined }> {
    const { config } = this.#context;
    const { name } = node.metadata;
    const reported = nodeCondition(node, "Ready") !== undefined;
    const grace = reported ? config.nodeMonitorGracePeriodMs : config.nodeStartupGracePeriodMs;
    const now = this.#now();
    const left = (this.#heartbeats.lastSeen(name) ?? now) + grace - now;
    if (left >= 0) return { node, wakeIn: left + 1 };
    const conditions = silentConditions(node, now);
    // A lost node is heard of again through its status or lease.
    if (conditions === undefined) return { node, wakeIn: undefined };
    const wasReady = isNodeReady(node);
    const draft = { ...node, status: { ...node.status, conditions } };
    const updated = await this.#client.update(draft, { subresource: "status", signal });
    this.#ledger.wrote(updated);
    this.#count(updated);
    if (wasReady) {
      const message = `Node ${name} status is now: NodeNotReady`;
      this.#context.events.normal(resources.nodes, node, "NodeNotReady", message);
      this.#unmarked.add(name);
    }
    return { node: updated, wakeIn: undefined };
  }

  async #markPods(node: Node, signal: AbortSignal): Promise<void> {
    const { name } = node.metadata;
    if (!this.#unmarked.has(name)) return;
    if (!isNodeReady(node)) {
      for (const pod of this.#pods.lister.byIndex(BY_NODE, name)) if (isPodReady(pod)) await this.#markPod(pod, signal);
    }
    this.#unmarked.delete(name);
  }

  async #markPod(pod: corev1.Pod, signal: AbortSignal): Promise<void> {
    const condition = { type: "Ready", status: "False", lastTransitionTime: formatTime(this.#now()) };
    const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
    const pods = this.#context.client.resource(resources.pods);
    try {
      await pods.patch(keyOf(pod), { type: "strategic", body }, { subresource: "status", signal });
      this.#context.events.warning(resources.pods, pod, "NodeNotReady", "Node is not ready");
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #queueEviction(node: Node, wanted: boolean): void {
    const zone = zoneKey(node);
    const eviction = this.#evictionOf(zone);
    if (!wanted) eviction.waiting.delete(node.metadata.name);
    else if (!eviction.waiting.has(node.metadata.name)) {
      eviction.waiting.add(node.metadata.name);
      this.#evictor.add(zone);
    }
  }

  #evictionOf(zone: string): Eviction {
    const known = this.#evictions.get(zone);
    if (known !== undefined) return known;
    const eviction = { waiting: new Set<string>(), limiter: this.#limiter(this.#zones.rate(zone)) };
    this.#evictions.set(zone, eviction);
    return eviction;
  }

  #limiter(rate: number): RateLimiter | undefined {
    return rate === 0 ? undefined : new RateLimiter({ clock: this.#context.env.clock, qps: rate, burst: 1 });
  }

  #setRate(zone: string, rate: number): void {
    const eviction = this.#evictionOf(zone);
    const spent = eviction.limiter?.tryAccept() === false;
    eviction.limiter = this.#limiter(rate);
    // A new rate is no reason for an extra eviction.
    if (spent) eviction.limiter?.tryAccept();
    this.#evictor.add(zone);
  }

  /** Taints the next node of a zone when its rate allows; comes back for the others. */
  async #evict(zone: string, signal: AbortSignal): Promise<number | undefined> {
    const eviction = this.#evictionOf(zone);
    const [name] = eviction.waiting;
    if (name === undefined || eviction.limiter === undefined) return undefined;
    const node = this.#ledger.get(name);
    const taints = node === undefined ? undefined : evictionTaints(node, this.#now());
    if (node !== undefined && taints !== undefined) {
      if (!eviction.limiter.tryAccept()) return 1000 / this.#zones.rate(zone);
      await this.#patchTaints(node, taints, signal);
    }
    eviction.waiting.delete(name);
    return eviction.waiting.size > 0 ? 0 : undefined;
  }

  #patchTaints(node: Node, taints: readonly corev1.Taint[], signal: AbortSignal): Promise<Node> {
    return this.#patch(node, { spec: { taints: taints.length === 0 ? null : taints } }, signal);
  }

  /** Patches the node as we know it: taints are one list, and another writer's must not be lost. */
  async #patch(node: Node, change: { metadata?: object; spec?: object }, signal: AbortSignal): Promise<Node> {
    const { resourceVersion } = node.metadata;
    const body = { ...change, metadata: { ...change.metadata, resourceVersion } };
    const patched = await this.#client.patch({ name: cacheKey(node) }, { type: "merge", body }, { signal });
    this.#ledger.wrote(patched);
    return patched;
  }

  #now(): number {
    return this.#context.env.clock.now();
  }
}
