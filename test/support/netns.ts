import { execFileSync, spawn, type ChildProcess } from "node:child_process";

/** Whether this process may make network namespaces, and else why not. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const program of ["ip", "nft"]) {
    try {
      execFileSync("which", [program], { stdio: "pipe" });
    } catch {
      return `${program} is not installed`;
    }
  }
  return undefined;
}

/** A little network of namespaces that vanishes with `dispose`. */
export class Lab {
  readonly #names: string[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Makes a namespace with loopback up; returns its full name. */
  host(name: string): string {
    const full = `${this.#prefix}-${name}`;
    execFileSync("ip", ["netns", "add", full]);
    this.#names.push(full);
    this.run(full, "ip", "link", "set", "lo", "up");
    return full;
  }

  /** Connects two hosts by a pair of interfaces with the given addresses (with prefix length). */
  link(a: string, addressA: string, b: string, addressB: string): void {
    const id = `v${Math.floor(Math.random() * 1e8)}`;
    execFileSync("ip", ["link", "add", `${id}a`, "netns", a, "type", "veth", "peer", "name", `${id}b`, "netns", b]);
    for (const [host, device, address] of [
      [a, `${id}a`, addressA],
      [b, `${id}b`, addressB],
    ] as const) {
      this.run(host, "ip", "addr", "add", address, "dev", device);
      this.run(host, "ip", "link", "set", device, "up");
    }
  }

  /** Runs a program in a host to its end and returns what it printed. */
  run(host: string, command: string, ...args: string[]): string {
    return execFileSync("ip", ["netns", "exec", host, command, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Runs a script on this Node in a host, in the background; resolves when it prints its first line. */
  async serve(host: string, script: string): Promise<void> {
    const child = spawn("ip", ["netns", "exec", host, process.execPath, "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#children.push(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once("data", () => resolve());
      child.once("exit", (code) => reject(new Error(`server in ${host} ended with ${code}`)));
    });
  }

  /** Runs a script on this Node in a host and parses the JSON it prints. */
  script<T>(host: string, script: string): T {
    return JSON.parse(this.run(host, process.execPath, "-e", script)) as T;
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const name of this.#names) execFileSync("ip", ["netns", "del", name]);
  }
}
