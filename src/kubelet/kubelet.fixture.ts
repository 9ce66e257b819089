import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Draft, type corev1, resources } from "../api/index.ts";
import type { Client } from "../client/index.ts";
import { type SimulatedRuntimeOptions, SimulatedRuntime } from "../host/cri/index.ts";
import { FakeMounter } from "../host/mount/index.ts";
import { FakeCgroups } from "../host/cgroup/index.ts";
import { type TestCluster, createCluster } from "../testing/index.ts";
import { createKubelet, type KubeletConfig } from "./index.ts";
import type { ProbeOutcome, ProbeTask } from "./probes/runner.ts";

/** A kubelet in virtual time: in-process API server, simulated runtime, a directory that goes with it. For tests. */
export interface KubeletFixture extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly client: Client;
  readonly runtime: SimulatedRuntime;
  readonly cgroups: FakeCgroups;
  readonly dir: string;
  create(name: string, spec: Draft<corev1.PodSpec>, metadata?: Draft<corev1.Pod["metadata"]>): Promise<corev1.Pod>;
  pod(name: string): Promise<corev1.Pod>;
  /** Moves time by small steps until `condition` holds of the pod; fails after `limitMs` of virtual time. */
  until(name: string, condition: (pod: corev1.Pod) => boolean, limitMs?: number): Promise<corev1.Pod>;
  gone(name: string, limitMs?: number): Promise<void>;
  /** Lets input, output and promises finish. */
  rest(): Promise<void>;
  remove(name: string, gracePeriodSeconds?: number): Promise<void>;
  events(name: string): Promise<string[]>;
  /** Ends the kubelet and starts another on the same runtime and directory. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
}

export interface FixtureOptions {
  readonly runtime?: Partial<SimulatedRuntimeOptions>;
  readonly config?: Partial<KubeletConfig>;
  readonly probe?: (task: ProbeTask) => ProbeOutcome;
}

const NODE = "machine-1";
const STEP_MS = 250;
const QUIET_MS = 2;

export async function startKubelet(options: FixtureOptions = {}): Promise<KubeletFixture> {
  const cluster = await createCluster({ components: [] });
  const { env, client } = cluster;
  const dir = mkdtempSync(join(tmpdir(), "k8ts-kubelet-"));
  const runtime = new SimulatedRuntime({ ...env, images: ["img"], ...options.runtime });
  runtime.addImage("img:latest");
  const cgroups = new FakeCgroups();
  const mounter = new FakeMounter();
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const start = async (): Promise<void> => {
    stop = new AbortController();
    const kubelet = createKubelet({
      client,
      env,
      runtime: runtime.runtime,
      nodeName: NODE,
      nodeIPs: ["192.0.2.1"],
      rootDir: dir,
      mounter,
      cgroups,
      probeRunner: { run: async (task) => options.probe?.(task) ?? { result: "success", output: "" } },
      ...(options.config && { config: options.config }),
    });
    running = kubelet.run(stop.signal);
    running.catch(() => undefined);
    await Promise.race([kubelet.ready(), running]);
    await rest();
  };
  const rest = async (): Promise<void> => {
    // Files are read and written by threads, which no clock of ours governs: wait until they have been quiet for a moment.
    const now = (): number => process.hrtime()[1] / 1e6 + process.hrtime()[0] * 1e3;
    for (let since = now(); now() - since < QUIET_MS;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (process.getActiveResourcesInfo().some((name) => name.startsWith("FSReq"))) since = now();
    }
    await cluster.settle();
  };
  await start();
  const pods = client.resource(resources.pods);
  const find = async (name: string): Promise<corev1.Pod | undefined> =>
    (await pods.list({ namespace: "default", fieldSelector: `metadata.name=${name}` })).items[0];
  const poll = async (
    name: string,
    condition: (pod: corev1.Pod | undefined) => boolean,
    limitMs: number,
  ): Promise<corev1.Pod | undefined> => {
    for (const began = env.clock.now(); ;) {
      await rest();
      const pod = await find(name);
      if (condition(pod)) return pod;
      if (env.clock.now() - began > limitMs) {
        throw new Error(`pod ${name} did not come to the wanted state: ${JSON.stringify(pod?.status, null, 1)}`);
      }
      // From timer to timer: nothing happens in between.
      const due = (env.clock.nextDue ?? Infinity) - env.clock.now();
      await cluster.advance(Math.min(Math.max(due, 1), STEP_MS));
    }
  };
  return {
    cluster,
    client,
    runtime,
    cgroups,
    dir,
    rest,
    create: (name, spec, metadata = {}) => {
      const containers = (spec.containers ?? [{}]).map((c) => ({
        name: "c",
        image: "img",
        imagePullPolicy: "IfNotPresent" as const,
        ...c,
      }));
      return pods.create({
        metadata: { name, namespace: "default", ...metadata },
        spec: { nodeName: NODE, automountServiceAccountToken: false, ...spec, containers },
      });
    },
    pod: (name) => pods.get({ namespace: "default", name }),
    until: async (name, condition, limitMs = 30_000) =>
      (await poll(name, (p) => p !== undefined && condition(p), limitMs)) as corev1.Pod,
    gone: async (name, limitMs = 60_000) => void (await poll(name, (p) => p === undefined, limitMs)),
    remove: (name, gracePeriodSeconds) =>
      pods.delete({ namespace: "default", name }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    events: async (name) => {
      await rest();
      const { items } = await client.resource(resources.events).list({ namespace: "default" });
      return items.filter((e) => e.involvedObject.name === name).map((e) => `${e.reason}: ${e.message}`);
    },
    restart: async (whileDown) => {
      stop.abort();
      await running;
      await whileDown?.();
      await start();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.catch(() => undefined);
      await cluster[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
