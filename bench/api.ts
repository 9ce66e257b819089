import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printMachine, printSamples, type Sample } from "./report.ts";

/**
 * The API server over TLS and HTTP/2, with client certificates and RBAC, in a process of its own: start-up, create, get, list
 * of 10,000 pods, watch fan-out. `api.ts [--store memory|disk] [--rounds N] [--objects N]`.
 */
const { values } = parseArgs({
  options: {
    store: { type: "string", default: "disk" },
    rounds: { type: "string", default: "3" },
    objects: { type: "string", default: "10000" },
    prof: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const objects = Number(values.objects);
const directory = mkdtempSync(join(tmpdir(), "k8ts-bench-"));
const samples: Sample[] = [];

interface Running {
  readonly child: ChildProcess;
  readonly kubeconfig: string;
  readonly ready: number;
}

async function starts(): Promise<number[]> {
  const out: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const server = await start(`start-${i}`);
    out.push(server.ready);
    await stop(server.child);
  }
  return out;
}

/** `ready` is what the server itself counted from its process's start. */
function start(name: string): Promise<Running> {
  const kubeconfig = join(directory, `${name}.kubeconfig`);
  const store = values.store === "memory" ? "memory" : join(directory, name);
  const args = ["--kubeconfig", kubeconfig, "--store", store];
  const execArgv = values.prof ? ["--cpu-prof", "--cpu-prof-dir", "/tmp/k8ts-prof"] : [];
  const child = fork(join(import.meta.dirname, "api-serve.ts"), args, { silent: true, execArgv });
  child.stderr?.pipe(process.stderr);
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout?.on("data", (chunk: Buffer) => {
      const found = /after (\d+) ms/.exec(chunk.toString());
      if (found) resolve({ child, kubeconfig, ready: Number(found[1]) });
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

async function measure(server: Running): Promise<void> {
  const sessions = Array.from({ length: 4 }, () => open(`${server.kubeconfig}.user`));
  const client = new Load(sessions);
  await client.send("POST", "/api/v1/namespaces", JSON.stringify({ metadata: { name: "bench" } }));
  await client.send(
    "POST",
    "/api/v1/namespaces/bench/serviceaccounts",
    JSON.stringify({ metadata: { name: "default" } }),
  );
  const maps = "/api/v1/namespaces/bench/configmaps";
  const pods = "/api/v1/namespaces/bench/pods";
  // The first few thousand requests warm both ends up.
  await rate(2000, 64, (i) => client.send("POST", maps, configMap(`warm-${i}`)));
  for (const flight of [1, 64, 256]) {
    const name = `create ConfigMap, ${flight} in flight`;
    const count = flight === 1 ? 500 : 4000;
    const create = (r: number) => (i: number) => client.send("POST", maps, configMap(`${flight}-${r}-${i}`));
    await timed(server, name, rounds, (r) => rate(count, flight, create(r)), count);
  }
  await timed(
    server,
    "create Pod, 64 in flight",
    1,
    () => rate(objects, 64, (i) => client.send("POST", pods, pod(i))),
    objects,
  );
  for (const flight of [1, 64]) {
    const count = flight === 1 ? 2000 : 20_000;
    const get = (i: number) => client.send("GET", `${pods}/pod-${i % objects}`);
    await timed(server, `get Pod, ${flight} in flight`, rounds, () => rate(count, flight, get), count);
  }
  for (const [format, accept] of FORMATS) {
    const times: number[] = [];
    let size = 0;
    for (let r = 0; r < rounds + 1; r++) {
      const before = performance.now();
      size = await client.send("GET", pods, undefined, accept);
      if (r > 0) times.push(performance.now() - before);
    }
    samples.push({ name: `list ${objects} pods, ${format}, ${(size / 1e6).toFixed(1)} MB`, unit: "ms", values: times });
  }
  for (const watchers of [1, 100, 500]) await fanOut(server, client, maps, watchers);
  const { rss } = await usage(server.child);
  samples.push({ name: "resident memory at the end", unit: "MiB", values: [rss / 2 ** 20] });
  for (const session of sessions) session.close();
}

const FORMATS = [
  ["JSON", "application/json"],
  ["protobuf", "application/vnd.kubernetes.protobuf"],
] as const;

async function fanOut(server: Running, client: Load, path: string, watchers: number): Promise<void> {
  const sessions = Array.from({ length: Math.ceil(watchers / 100) }, () => open(`${server.kubeconfig}.user`));
  let seen = 0;
  const revision = await client.revision(path);
  const streams = Array.from({ length: watchers }, (_, i) => {
    const stream = sessions[i % sessions.length]?.request({
      ":path": `${path}?watch=true&resourceVersion=${revision}`,
    });
    stream?.on("data", (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) seen++;
    });
    return stream;
  });
  const rates: number[] = [];
  const costs: number[] = [];
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream?.once("response", resolve))));
  for (let r = 0; r < rounds; r++) {
    const events = watchers > 100 ? 200 : 1000;
    const target = seen + events * watchers;
    const before = performance.now();
    const cpu = await usage(server.child);
    await rate(events, 32, (i) => client.send("POST", path, configMap(`fan-${watchers}-${r}-${i}`)));
    while (seen < target) await new Promise((resolve) => setTimeout(resolve, 2));
    const after = await usage(server.child);
    rates.push((events * watchers) / ((performance.now() - before) / 1000));
    costs.push(spent(cpu, after) / (events * watchers));
  }
  samples.push({ name: `watch, ${watchers} watchers, events delivered`, unit: "/s", values: rates });
  samples.push({ name: `watch, ${watchers} watchers, server CPU an event`, unit: "µs", values: costs });
  for (const stream of streams) stream?.close();
  for (const session of sessions) session.close();
}

interface Usage {
  readonly cpu: { readonly user: number; readonly system: number };
  readonly rss: number;
}

function usage(child: ChildProcess): Promise<Usage> {
  return new Promise((resolve) => {
    child.once("message", (message) => resolve(message as Usage));
    child.send("usage");
  });
}

/** Rates, and what each operation cost the server. */
async function timed(
  server: Running,
  name: string,
  times: number,
  run: (round: number) => Promise<number>,
  count: number,
): Promise<void> {
  const rates: number[] = [];
  const costs: number[] = [];
  for (let r = 0; r < times; r++) {
    const before = await usage(server.child);
    rates.push(await run(r));
    costs.push(spent(before, await usage(server.child)) / count);
  }
  samples.push({ name, unit: "/s", values: rates }, { name: `${name}: server CPU`, unit: "µs", values: costs });
}

function spent(before: Usage, after: Usage): number {
  return after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system;
}

/** Calls a second, `flight` of them at a time. */
async function rate(count: number, flight: number, call: (i: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const before = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: flight }, worker));
  return count / ((performance.now() - before) / 1000);
}

interface Kubeconfig {
  readonly clusters: readonly { cluster: { server: string; "certificate-authority-data": string } }[];
  readonly users: readonly { user: { "client-certificate-data": string; "client-key-data": string } }[];
}

function open(file: string): ClientHttp2Session {
  const config = JSON.parse(readFileSync(file, "utf8")) as Kubeconfig;
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (!cluster || !user) throw new Error(`${file} names no cluster or user`);
  const pem = (text: string): Buffer => Buffer.from(text, "base64");
  const session = connect(cluster.server, {
    ca: pem(cluster["certificate-authority-data"]),
    cert: pem(user["client-certificate-data"]),
    key: pem(user["client-key-data"]),
    settings: { initialWindowSize: 16 << 20 },
  });
  // What breaks a connection also breaks its requests, which tell.
  session.on("error", () => undefined);
  session.once("connect", () => session.setLocalWindowSize(64 << 20));
  return session;
}

/** Requests spread over some connections. */
class Load {
  readonly #sessions: readonly ClientHttp2Session[];
  #next = 0;

  constructor(sessions: readonly ClientHttp2Session[]) {
    this.#sessions = sessions;
  }

  /** The revision of a collection now. */
  async revision(path: string): Promise<string> {
    const { text } = await this.call("GET", `${path}?limit=1`);
    return /"resourceVersion":"(\d+)"/.exec(text)?.[1] ?? "0";
  }

  /** Resolves with the size of the answer; rejects for answers of 300 and above. */
  async send(method: string, path: string, body?: string, accept?: string): Promise<number> {
    return (await this.call(method, path, body, accept)).size;
  }

  /** Keeps the text of small answers. */
  call(
    method: string,
    path: string,
    body?: string,
    accept = "application/json",
  ): Promise<{ size: number; text: string }> {
    const session = this.#sessions[this.#next++ % this.#sessions.length];
    if (!session) throw new Error("no connection");
    return new Promise((resolve, reject) => {
      const headers = { ":method": method, ":path": path, accept, ...(body && { "content-type": "application/json" }) };
      const stream = session.request(headers);
      let status = 0;
      let size = 0;
      let text = "";
      stream.on("response", (head) => (status = head[":status"] ?? 0));
      stream.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size < 10_000) text += chunk.toString();
      });
      stream.on("end", () =>
        status < 300 ? resolve({ size, text }) : reject(new Error(`${method} ${path}: ${status} ${text}`)),
      );
      stream.on("error", reject);
      stream.end(body);
    });
  }
}

function configMap(name: string): string {
  return JSON.stringify({
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { name, labels: { app: "bench" } },
    data: { key: "x".repeat(600) },
  });
}

/** About 3 KB as stored. */
function pod(i: number): string {
  const container = (name: string): object => ({
    name,
    image: `registry.example.com/team/${name}:v1.2.3`,
    command: ["/bin/server", "--port=8080", "--verbose"],
    env: Array.from({ length: 10 }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value number ${n} of ${name}` })),
    ports: [{ name: "http", containerPort: 8080 }],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "256Mi" } },
    readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 5 },
  });
  return JSON.stringify({
    kind: "Pod",
    apiVersion: "v1",
    metadata: {
      name: `pod-${i}`,
      labels: { app: "bench", tier: `tier-${i % 10}`, "pod-template-hash": "7d9f8b6c5d" },
      annotations: { "example.com/checksum": "0123456789abcdef0123456789abcdef0123456789abcdef" },
    },
    spec: { containers: [container("app"), container("sidecar")] },
  });
}

printMachine();
console.log(`store: ${values.store}`);
try {
  samples.push({ name: "process start to ready, cold directory", unit: "ms", values: await starts() });
  const server = await start("main");
  try {
    await measure(server);
  } finally {
    await stop(server.child);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
printSamples(samples);
