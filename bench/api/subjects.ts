import { type ChildProcess, fork, spawn } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createEnv, silent } from "../../src/kit/index.ts";
import { Load, open } from "./load.ts";
import { makePapers } from "./papers.ts";

/** A server under test. */
export interface Subject {
  readonly name: string;
  /** Of somebody who has all rights by RBAC, not as an administrator who is asked nothing. */
  readonly kubeconfig: string;
  /** Milliseconds from the process's start until it was ready. */
  readonly ready: number;
  usage(): Promise<Usage>;
  stop(): Promise<void>;
}

/** What all processes of a server have used. */
export interface Usage {
  /** Microseconds of CPU. */
  readonly cpu: number;
  /** Bytes of resident memory. */
  readonly rss: number;
}

/** This project's API server, in a process of its own. `ready` is what it counted itself. */
export function startOwn(directory: string, store: string, profile?: string): Promise<Subject> {
  mkdirSync(directory, { recursive: true });
  const kubeconfig = join(directory, "kubeconfig");
  const args = ["--kubeconfig", kubeconfig, "--store", store === "memory" ? store : join(directory, "store")];
  const execArgv = profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
  const child = fork(join(import.meta.dirname, "../api-serve.ts"), args, { silent: true, execArgv });
  child.stderr?.pipe(process.stderr);
  const subject = (ready: number): Subject => ({
    name: "k8ts",
    kubeconfig: `${kubeconfig}.user`,
    ready,
    async usage() {
      const message = await new Promise((resolve) => {
        child.once("message", resolve);
        child.send("usage");
      });
      const { cpu, rss } = message as { cpu: { user: number; system: number }; rss: number };
      return { cpu: cpu.user + cpu.system, rss };
    },
    stop: () => ended(child),
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout?.on("data", (chunk: Buffer) => {
      const found = /after (\d+) ms/.exec(chunk.toString());
      if (found) resolve(subject(Number(found[1])));
    });
  });
}

/** Upstream's etcd and kube-apiserver of a folder of binaries, with plain flags. */
export async function startUpstream(directory: string, binaries: string): Promise<Subject> {
  mkdirSync(directory, { recursive: true });
  const papers = makePapers(createEnv({ log: silent }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const [client, peer, port] = await Promise.all([freePort(), freePort(), freePort()]);
  const kubeconfig = join(directory, "kubeconfig");
  papers.kubeconfig(kubeconfig, "admin", "system:masters", port);
  papers.kubeconfig(`${kubeconfig}.user`, "bench", "bench", port);
  const ca = file("ca.pem", papers.ca);
  const key = file("service-accounts.pem", papers.serviceAccountKey);
  const before = performance.now();
  const etcd = run(join(binaries, "etcd"), {
    "data-dir": join(directory, "etcd"),
    "listen-client-urls": `http://127.0.0.1:${client}`,
    "advertise-client-urls": `http://127.0.0.1:${client}`,
    "listen-peer-urls": `http://127.0.0.1:${peer}`,
    "initial-advertise-peer-urls": `http://127.0.0.1:${peer}`,
    "initial-cluster": `default=http://127.0.0.1:${peer}`,
    "log-level": "error",
  });
  const server = run(join(binaries, "kube-apiserver"), {
    "etcd-servers": `http://127.0.0.1:${client}`,
    "bind-address": "127.0.0.1",
    "secure-port": String(port),
    "tls-cert-file": file("serving.pem", papers.serving.cert),
    "tls-private-key-file": file("serving.key", papers.serving.key),
    "client-ca-file": ca,
    "authorization-mode": "Node,RBAC",
    "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    "service-account-key-file": file("service-accounts.pub", publicPart(papers.serviceAccountKey)),
    "service-account-signing-key-file": key,
    "service-cluster-ip-range": "10.96.0.0/16",
  });
  const processes = [server, etcd];
  const stop = async (): Promise<void> => {
    for (const child of processes) await ended(child);
  };
  await becomesReady(kubeconfig, server).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const ready = Math.round(performance.now() - before);
  await grant(kubeconfig);
  return {
    name: "upstream",
    kubeconfig: `${kubeconfig}.user`,
    ready,
    async usage() {
      const all = processes.map((child) => usageOf(child.pid ?? 0));
      return { cpu: sum(all.map((u) => u.cpu)), rss: sum(all.map((u) => u.rss)) };
    },
    stop,
  };
}

function publicPart(key: string): string {
  return createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
}

function run(binary: string, flags: Readonly<Record<string, string>>): ChildProcess {
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
  // It logs warnings by the dozen while it starts; only what ended it is of interest.
  let last = "";
  child.stderr?.on("data", (chunk: Buffer) => (last = (last + chunk.toString()).slice(-2000)));
  child.once("exit", (code) => {
    if (code !== 0 && code !== null) process.stderr.write(last);
  });
  return child;
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

async function becomesReady(kubeconfig: string, server: ChildProcess): Promise<void> {
  while (server.exitCode === null) {
    const load = new Load([open(kubeconfig)]);
    const ready = await load.send("GET", "/readyz").then(
      () => true,
      () => false,
    );
    load.close();
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`kube-apiserver ended with ${server.exitCode}`);
}

async function grant(kubeconfig: string): Promise<void> {
  const load = new Load([open(kubeconfig)]);
  const binding = {
    metadata: { name: "bench" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "bench" }],
  };
  await load.send("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", JSON.stringify(binding));
  load.close();
}

/** Clock ticks are hundredths of a second on Linux. */
const TICK_US = 10_000;

function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  return { cpu: (Number(fields[11]) + Number(fields[12])) * TICK_US, rss: rss * 1024 };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
