import { type corev1, type Draft, type Resource, resources } from "../../src/api/index.ts";
import type { BenchCluster } from "./cluster.ts";
import { Collector, type Throughput } from "./collector.ts";
import {
  type Churn,
  countOf,
  type CreateNodes,
  type CreatePods,
  durationOf,
  type Op,
  readTemplate,
  type TestCase,
  type Workload,
} from "./workload.ts";

/** What a run gave. */
export interface Result {
  readonly throughput: Throughput;
  /** CPU seconds of the whole process during the measured stretch. */
  readonly cpuSeconds: number;
  /** Largest of the whole run, bytes. */
  readonly heapUsed: number;
  readonly rss: number;
}

/** So many requests are under way at once when objects are created. */
const WORKERS = 30;
const DEFAULT_NODE = "../templates/node.yaml";
const DEFAULT_POD = "../templates/pod.yaml";
const KINDS: Readonly<Record<string, Resource>> = {
  Node: resources.nodes,
  Pod: resources.pods,
  Service: resources.services,
  Namespace: resources.namespaces,
};

/** Runs one workload on a fresh cluster. */
export class Runner {
  readonly #cluster: BenchCluster;
  readonly #test: TestCase;
  readonly #workload: Workload;
  readonly #stop = new AbortController();
  readonly #background: Promise<void>[] = [];
  readonly #namespaces = new Set(["default", "kube-system"]);
  #nodes = 0;
  #operation = 0;
  /** By namespace: pods that got a node. */
  readonly #scheduled = new Map<string, number>();
  #measured:
    | { readonly collector: Collector; readonly namespaces: ReadonlySet<string>; cpu: NodeJS.CpuUsage }
    | undefined;
  #result: { readonly throughput: Throughput; readonly cpuSeconds: number } | undefined;
  #waiters: (() => void)[] = [];
  #heapUsed = 0;
  #rss = 0;

  constructor(cluster: BenchCluster, test: TestCase, workload: Workload) {
    this.#cluster = cluster;
    this.#test = test;
    this.#workload = workload;
  }

  async run(progress: (text: string) => void): Promise<Result | undefined> {
    const leave = this.#cluster.pods.handle({
      added: (pod) => this.#seen(undefined, pod),
      updated: (pod, before) => this.#seen(before, pod),
    });
    const memory = setInterval(() => this.#watchMemory(), 250);
    try {
      for (const op of this.#test.workloadTemplate) {
        const start = performance.now();
        await this.#execute(op);
        progress(`${op.opcode} ${((performance.now() - start) / 1000).toFixed(2)} s`);
        this.#operation++;
      }
      this.#watchMemory();
    } finally {
      this.#stop.abort();
      clearInterval(memory);
      leave();
      await Promise.all(this.#background);
    }
    return this.#result && { ...this.#result, heapUsed: this.#heapUsed, rss: this.#rss };
  }

  #seen(before: corev1.Pod | undefined, pod: corev1.Pod): void {
    if (before?.spec.nodeName || !pod.spec.nodeName) return;
    const { namespace } = pod.metadata;
    this.#scheduled.set(namespace, (this.#scheduled.get(namespace) ?? 0) + 1);
    if (this.#measured?.namespaces.has(namespace)) this.#measured.collector.scheduled();
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #watchMemory(): void {
    const { heapUsed, rss } = process.memoryUsage();
    this.#heapUsed = Math.max(this.#heapUsed, heapUsed);
    this.#rss = Math.max(this.#rss, rss);
  }

  async #execute(op: Op): Promise<void> {
    switch (op.opcode) {
      case "createNodes":
        return this.#createNodes(op);
      case "createNamespaces":
        for (let i = 0; i < countOf(op, this.#workload); i++) {
          const more = op.namespaceTemplatePath ? this.#template(op.namespaceTemplatePath)() : {};
          await this.#ensureNamespace(`${op.prefix}-${i}`, more);
        }
        return;
      case "createPods":
        return this.#createPods(op);
      case "createPodSets":
        for (let i = 0; i < countOf(op, this.#workload); i++) {
          await this.#createPods({ ...op.createPodsOp, namespace: `${op.namespacePrefix}-${i}` });
        }
        return;
      case "createAny":
        return this.#createAny(op);
      case "deletePods":
        return this.#later(op.skipWaitToCompletion, this.#deletePods(op));
      case "churn":
        return this.#later(true, this.#churn(op));
      case "barrier":
        return this.#barrier(op.stageRequirement ?? "Scheduled", op.namespaces);
      case "sleep":
        return this.#sleep(durationOf(op.duration));
      case "startCollectingMetrics":
        return this.#startMeasuring(op.namespaces);
      case "stopCollectingMetrics":
        return this.#stopMeasuring();
    }
  }

  #template(path: string): () => Record<string, unknown> {
    return readTemplate(this.#test.directory, path);
  }

  async #later(background: boolean | undefined, work: Promise<void>): Promise<void> {
    if (background) this.#background.push(work.catch((error: unknown) => console.error(error)));
    else await work;
  }

  async #createNodes(op: CreateNodes): Promise<void> {
    const make = this.#template(op.nodeTemplatePath ?? DEFAULT_NODE);
    const nodes = this.#cluster.client.resource(resources.nodes);
    const first = this.#nodes;
    const count = countOf(op, this.#workload);
    this.#nodes += count;
    await this.#parallel(count, async (i) => {
      const node = make() as Draft<corev1.Node> & { metadata: { name?: string; labels?: Record<string, string> } };
      const name = node.metadata.name ?? `scheduler-perf-${first + i}`;
      const label = op.labelNodePrepareStrategy;
      const labels = {
        ...node.metadata.labels,
        "kubernetes.io/hostname": name,
        ...(label && { [label.labelKey]: label.labelValues[i % label.labelValues.length] ?? "" }),
        ...(op.uniqueNodeLabelStrategy && { [op.uniqueNodeLabelStrategy.labelKey]: name }),
      };
      await nodes.create({ ...node, metadata: { name, labels } });
    });
  }

  async #createPods(op: CreatePods): Promise<void> {
    const make = this.#template(op.podTemplatePath ?? this.#test.defaultPodTemplatePath ?? DEFAULT_POD);
    const namespace = op.namespace ?? `namespace-${this.#operation}`;
    await this.#ensureNamespace(namespace);
    const count = countOf(op, this.#workload);
    const pods = this.#cluster.client.resource(resources.pods);
    const goal = (this.#scheduled.get(namespace) ?? 0) + count;
    if (op.collectMetrics) await this.#startMeasuring([namespace]);
    await this.#parallel(count, async () => {
      const pod = make() as Draft<corev1.Pod>;
      await pods.create({ ...pod, metadata: { ...pod.metadata, namespace } });
    });
    if (op.skipWaitToCompletion) return;
    await this.#until(() => (this.#scheduled.get(namespace) ?? 0) >= goal);
    if (op.collectMetrics) this.#stopMeasuring();
  }

  async #createAny(op: Extract<Op, { opcode: "createAny" }>): Promise<void> {
    const make = this.#template(op.templatePath);
    const count = op.count === undefined && op.countParam === undefined ? 1 : countOf(op, this.#workload);
    if (op.namespace) await this.#ensureNamespace(op.namespace);
    for (let i = 0; i < count; i++) await this.#create(make(), op.namespace ?? "default");
  }

  async #create(
    object: Record<string, unknown>,
    namespace: string,
  ): Promise<{ readonly resource: Resource; readonly name: string }> {
    const resource = KINDS[String(object["kind"])];
    if (!resource) throw new Error(`no template of kind ${String(object["kind"])} is supported`);
    const metadata = { ...(object["metadata"] as object), ...(resource.namespaced && { namespace }) };
    const made = (await this.#cluster.client.resource(resource).create({ ...object, metadata } as never)) as {
      metadata: { name: string };
    };
    return { resource, name: made.metadata.name };
  }

  async #deletePods(op: Extract<Op, { opcode: "deletePods" }>): Promise<void> {
    const pods = this.#cluster.client.resource(resources.pods);
    const names = [...this.#cluster.pods.lister.list(op.namespace)].map(({ metadata }) => metadata.name);
    const pause = op.deletePodsPerSecond ? 1000 / op.deletePodsPerSecond : 0;
    const start = performance.now();
    for (const [i, name] of names.entries()) {
      if (this.#stop.signal.aborted) return;
      if (pause > 0) await this.#sleep(start + i * pause - performance.now());
      await pods.delete({ namespace: op.namespace, name }).catch(() => undefined);
    }
  }

  async #churn(op: Churn): Promise<void> {
    const namespace = op.namespace ?? `namespace-${this.#operation}`;
    await this.#ensureNamespace(namespace);
    const templates = op.templatePaths.map((path) => this.#template(path));
    const interval = op.intervalMilliseconds ?? 500;
    for (
      let made = 0;
      !this.#stop.signal.aborted && (!op.number || op.mode === "recreate" || made < op.number);
      made++
    ) {
      await this.#sleep(interval);
      if (this.#stop.signal.aborted) return;
      const created = [];
      for (const make of templates) created.push(await this.#create(make(), namespace));
      if (op.mode !== "recreate") continue;
      await this.#sleep(interval);
      for (const { resource, name } of created) {
        const key = { name, ...(resource.namespaced && { namespace }) };
        await this.#cluster.client
          .resource(resource)
          .delete(key, { gracePeriodSeconds: 0 })
          .catch(() => undefined);
      }
    }
  }

  async #barrier(stage: "Scheduled" | "Attempted", namespaces: readonly string[] | undefined): Promise<void> {
    const isDone = (pod: corev1.Pod): boolean =>
      Boolean(pod.spec.nodeName) ||
      (stage === "Attempted" && pod.status.conditions?.some((c) => c.type === "PodScheduled") === true);
    const wanted = namespaces?.length ? new Set(namespaces) : undefined;
    const all = (): corev1.Pod[] =>
      [...this.#cluster.pods.lister.list()].filter((pod) => !wanted || wanted.has(pod.metadata.namespace));
    while (!all().every(isDone)) await this.#sleep(50);
  }

  async #startMeasuring(namespaces: readonly string[]): Promise<void> {
    const collector = new Collector();
    this.#measured = { collector, namespaces: new Set(namespaces), cpu: process.cpuUsage() };
    collector.start();
  }

  #stopMeasuring(): void {
    if (!this.#measured) return;
    const { user, system } = process.cpuUsage(this.#measured.cpu);
    this.#result = { throughput: this.#measured.collector.stop(), cpuSeconds: (user + system) / 1e6 };
    this.#measured = undefined;
  }

  async #ensureNamespace(name: string, more: Record<string, unknown> = {}): Promise<void> {
    if (this.#namespaces.has(name)) return;
    this.#namespaces.add(name);
    const metadata = { ...(more["metadata"] as object | undefined), name };
    await this.#cluster.client.resource(resources.namespaces).create({ metadata });
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #sleep(ms: number): Promise<void> {
    return ms <= 0 ? Promise.resolve() : this.#cluster.env.clock.sleep(ms, this.#stop.signal).catch(() => undefined);
  }

  async #parallel(count: number, work: (i: number) => Promise<void>): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) await work(next++);
    };
    await Promise.all(Array.from({ length: Math.min(WORKERS, count) }, worker));
  }
}
