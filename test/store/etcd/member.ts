import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The etcd on `PATH` (or at `K8TS_ETCD`); undefined when there is none. */
export const etcdBinary: string | undefined = find();

function find(): string | undefined {
  const binary = process.env["K8TS_ETCD"] ?? "etcd";
  return spawnSync(binary, ["--version"]).status === 0 ? binary : undefined;
}

/** What `etcd --version` says first. */
export function etcdVersion(): string {
  return spawnSync(etcdBinary ?? "etcd", ["--version"], { encoding: "utf8" }).stdout.split("\n")[0] ?? "";
}

/** An etcd process with a data directory of its own. */
export class EtcdMember {
  readonly url: string;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;

  constructor(url: string, flags: readonly string[]) {
    this.url = url;
    this.#arguments = flags;
  }

  async start(): Promise<void> {
    const child = spawn(etcdBinary ?? "etcd", this.#arguments, { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    // Says so once it serves clients; later lines are let go.
    await new Promise<void>((resolve, reject) => {
      let text = "";
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        text = (text + chunk).slice(-20_000);
        if (/serving (insecure )?client|serving client traffic/.test(text)) resolve();
      });
      child.once("exit", (code) => reject(new Error(`etcd ended with ${code}: ${text.slice(-2000)}`)));
    });
    child.removeAllListeners("exit");
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  }
}

/** A cluster of `size` members on this machine. */
export async function startEtcd(size: number, flags: readonly string[] = [], scheme = "http"): Promise<EtcdCluster> {
  const root = mkdtempSync(join(tmpdir(), "k8ts-etcd-"));
  const ports = await freePorts(size * 2);
  const names = Array.from({ length: size }, (_, i) => `m${i}`);
  const peers = names.map((_, i) => `http://127.0.0.1:${ports[i]}`);
  const members = names.map((name, i) => {
    const url = `${scheme}://127.0.0.1:${ports[size + i]}`;
    const peer = peers[i] ?? "";
    const settings = {
      name,
      "data-dir": join(root, name),
      "listen-client-urls": url,
      "advertise-client-urls": url,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": names.map((each, k) => `${each}=${peers[k]}`).join(","),
    };
    return new EtcdMember(url, [
      ...Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, value]),
      ...flags,
    ]);
  });
  await Promise.all(members.map((member) => member.start()));
  return { members, endpoints: members.map((member) => member.url), stop: () => stop(members, root) };
}

export interface EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly endpoints: readonly string[];
  stop(): Promise<void>;
}

async function stop(members: readonly EtcdMember[], root: string): Promise<void> {
  await Promise.all(members.map((member) => member.kill()));
  rmSync(root, { recursive: true, force: true });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
