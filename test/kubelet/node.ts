import { request } from "node:https";
import { WebSocket } from "ws";
import { type corev1, type Draft, resources } from "../../src/api/index.ts";
import { type Client } from "../../src/client/index.ts";
import { type Env, type KeyPair, createAuthority, createEnv, issue, silent } from "../../src/kit/index.ts";
import { createKubelet, purgeKubelet, type KubeletConfig } from "../../src/kubelet/index.ts";
import { type TestMachine, startMachine } from "./machine.ts";
import { startPlane } from "./plane.ts";

export type PodDraft = Draft<corev1.Pod>;

const DAY = 86_400_000;
export const IMAGE = "k8ts.local/demo:latest";

/** A kubelet on a real containerd with an API server in this process. */
export interface TestNode extends AsyncDisposable {
  readonly machine: TestMachine;
  readonly env: Env;
  readonly client: Client;
  readonly port: number;
  /** A pod of one container `c` that runs a shell script, with what `extra` puts into its container and spec. */
  run(
    name: string,
    script: string,
    container?: Draft<corev1.Container>,
    spec?: Draft<corev1.PodSpec>,
  ): Promise<corev1.Pod>;
  create(pod: PodDraft): Promise<corev1.Pod>;
  until(name: string, condition: (pod: corev1.Pod) => boolean, what: string, seconds?: number): Promise<corev1.Pod>;
  gone(name: string, seconds?: number): Promise<void>;
  ready(name: string): Promise<corev1.Pod>;
  get(path: string): Promise<{ status: number; body: string }>;
  logs(name: string, query?: string): Promise<string>;
  /** Waits until the log has `text` in it. */
  wrote(name: string, text: string): Promise<void>;
  exec(
    name: string,
    command: readonly string[],
    stdin?: string,
  ): Promise<{ stdout: string; stderr: string; status: ExecStatus }>;
  eventsOf(name: string): Promise<string[]>;
  /** Ends the kubelet as a crash would, containers go on, and starts another. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
}

export interface ExecStatus {
  readonly status?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { readonly reason: string; readonly message: string }[] };
}

export async function startNode(config: Partial<KubeletConfig> = {}): Promise<TestNode> {
  const env = createEnv({ log: silent });
  const machine = await startMachine(env);
  const plane = await startPlane(env);
  const { ca, server, client } = certificates(env);
  const rootDir = `${machine.dir}/kubelet`;
  const cgroupRoot = `/k8ts-test-${process.pid}`;
  const port = 20_000 + (process.pid % 20_000);
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const start = async (): Promise<void> => {
    stop = new AbortController();
    const kubelet = createKubelet({
      client: plane.client,
      env,
      runtime: machine.runtime,
      nodeName: "node-1",
      nodeIPs: ["127.0.0.1"],
      rootDir,
      config: { cgroupRoot, port, address: "127.0.0.1", clusterDNS: ["10.96.0.10"], ...config },
      tls: { cert: server.cert, key: server.key, clientCa: ca.cert },
      gatekeeper: certificateOnly,
    });
    running = kubelet.run(stop.signal);
    await Promise.race([kubelet.ready(), running]);
  };
  await start();
  const node = new Node(machine, env, plane.client, port, { ca, client });
  return Object.assign(node, {
    restart: async (whileDown?: () => Promise<void>) => {
      stop.abort();
      await running;
      await whileDown?.();
      await start();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.catch(() => undefined);
      await plane[Symbol.asyncDispose]();
      await machine.removePods();
      await purgeKubelet({ rootDir, cgroupRoot });
      await machine[Symbol.asyncDispose]();
    },
  });
}

/** Whoever has a certificate may do everything. */
const certificateOnly = {
  authenticate: async (socket: { authorized: boolean }) =>
    socket.authorized ? { name: "test", groups: [] } : undefined,
  authorize: async () => true,
};

function certificates(env: Env): { ca: KeyPair; server: KeyPair; client: KeyPair } {
  const [notBefore, notAfter] = [env.clock.now() - DAY, env.clock.now() + DAY];
  const ca = createAuthority("test-ca", { notBefore, notAfter }, env.random);
  const base = { notBefore, notAfter };
  const server = issue(
    ca,
    { ...base, subject: { commonName: "node" }, names: ["127.0.0.1"], usages: ["server"] },
    env.random,
  );
  const client = issue(ca, { ...base, subject: { commonName: "test" }, usages: ["client"] }, env.random);
  return { ca, server, client };
}

class Node {
  readonly machine: TestMachine;
  readonly env: Env;
  readonly client: Client;
  readonly port: number;
  readonly #tls: { ca: string; cert: string; key: string };

  constructor(machine: TestMachine, env: Env, client: Client, port: number, keys: { ca: KeyPair; client: KeyPair }) {
    this.machine = machine;
    this.env = env;
    this.client = client;
    this.port = port;
    this.#tls = { ca: keys.ca.cert, cert: keys.client.cert, key: keys.client.key };
  }

  run(name: string, script: string, container: Draft<corev1.Container> = {}, spec: Draft<corev1.PodSpec> = {}) {
    const main = {
      name: "c",
      image: IMAGE,
      imagePullPolicy: "IfNotPresent" as const,
      command: ["sh", "-c", script],
      ...container,
    };
    return this.create({
      metadata: { name },
      spec: { terminationGracePeriodSeconds: 1, ...spec, containers: [main, ...(spec.containers ?? [])] },
    });
  }

  create(pod: PodDraft): Promise<corev1.Pod> {
    const body = {
      ...pod,
      metadata: { namespace: "default", ...pod.metadata },
      spec: { nodeName: "node-1", ...pod.spec },
    };
    return this.client.resource(resources.pods).create(body as PodDraft);
  }

  async until(name: string, condition: (pod: corev1.Pod) => boolean, what: string, seconds = 30): Promise<corev1.Pod> {
    const pods = this.client.resource(resources.pods);
    const stop = AbortSignal.timeout(seconds * 1000);
    let last: corev1.Pod | undefined;
    try {
      for await (const event of pods.watch({
        namespace: "default",
        fieldSelector: `metadata.name=${name}`,
        signal: stop,
      })) {
        if (event.type === "BOOKMARK") continue;
        last = event.object;
        if (event.type !== "DELETED" && condition(event.object)) return event.object;
      }
    } catch (error) {
      if (!stop.aborted) throw error;
    }
    throw new Error(
      `pod ${name}: ${what} did not come true: ${JSON.stringify(last?.status, null, 1)}\n${(await this.eventsOf(name)).join("\n")}`,
    );
  }

  ready(name: string): Promise<corev1.Pod> {
    return this.until(
      name,
      (p) => p.status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false,
      "Ready",
    );
  }

  async gone(name: string, seconds = 30): Promise<void> {
    const pods = this.client.resource(resources.pods);
    for (let i = 0; i < seconds * 50; i++) {
      const { items } = await pods.list({ namespace: "default", fieldSelector: `metadata.name=${name}` });
      if (items.length === 0) return;
      await this.env.clock.sleep(20);
    }
    throw new Error(`pod ${name} is still there`);
  }

  get(path: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const sent = request({ ...this.#tls, host: "127.0.0.1", port: this.port, path, agent: false }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      });
      sent.on("error", reject);
      sent.end();
    });
  }

  async logs(name: string, query = ""): Promise<string> {
    return (await this.get(`/containerLogs/default/${name}/c?${query}`)).body;
  }

  async wrote(name: string, text: string): Promise<void> {
    for (let i = 0; i < 250 && !(await this.logs(name)).includes(text); i++) await this.env.clock.sleep(20);
  }

  exec(
    name: string,
    command: readonly string[],
    stdin?: string,
  ): Promise<{ stdout: string; stderr: string; status: ExecStatus }> {
    const query = new URLSearchParams([
      ["output", "1"],
      ["error", "1"],
      ...(stdin === undefined ? [] : [["input", "1"]]),
      ...command.map((c) => ["command", c]),
    ]);
    const url = `wss://127.0.0.1:${this.port}/exec/default/${name}/c?${query.toString()}`;
    const socket = new WebSocket(url, ["v5.channel.k8s.io"], { ...this.#tls });
    const out = ["", "", "", ""];
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("unexpected-response", (_, response) => reject(new Error(`status ${response.statusCode}`)));
      socket.on("open", () => {
        if (stdin === undefined) return;
        socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(stdin)]));
        socket.send(Buffer.from([255, 0]));
      });
      socket.on("message", (message: Buffer) => (out[message[0] ?? 0] += message.toString("utf8", 1)));
      socket.on("close", () =>
        resolve({ stdout: out[1] ?? "", stderr: out[2] ?? "", status: JSON.parse(out[3] || "{}") as ExecStatus }),
      );
    });
  }

  async eventsOf(name: string): Promise<string[]> {
    await this.env.clock.sleep(100);
    const { items } = await this.client.resource(resources.events).list({ namespace: "default" });
    return items.filter((e) => e.involvedObject.name === name).map((e) => `${e.type} ${e.reason} ${e.message}`);
  }
}
