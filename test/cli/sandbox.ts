import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";

export const ROOT = join(import.meta.dirname, "../..");

/** What a command left behind. */
export interface Outcome {
  /** Exit code; 128 + the number of the signal that ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Default: `./k8ts` of this checkout. */
  readonly command?: readonly string[];
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Folders of our own in which `./k8ts` runs as a user would run it. Disposing of it ends what is left running. */
export class Sandbox {
  readonly dir: string;
  readonly home: string;
  readonly kubeconfig: string;

  constructor(parent = tmpdir()) {
    this.dir = mkdtempSync(join(parent, "k8ts-cli-"));
    this.home = join(this.dir, "clusters");
    this.kubeconfig = join(this.dir, "kube/config");
  }

  get env(): NodeJS.ProcessEnv {
    const { K8TS_DEBUG: _, ...rest } = process.env;
    return { ...rest, K8TS_HOME: this.home, KUBECONFIG: this.kubeconfig, HOME: this.dir };
  }

  /** Runs `./k8ts` with words split at spaces, to its end. */
  k8ts(line: string, options: RunOptions = {}): Promise<Outcome> {
    const [command = "", ...args] = options.command ?? [join(ROOT, "k8ts")];
    return run(command, [...args, ...words(line)], { ...this.env, ...options.env }, options.cwd);
  }

  /** Starts `./k8ts` and leaves it running. */
  start(line: string): ChildProcess {
    return spawn(join(ROOT, "k8ts"), words(line), { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
  }

  path(cluster: string, ...inside: string[]): string {
    return join(this.home, cluster, ...inside);
  }

  spec(cluster: string): { apiPort: number; [field: string]: unknown } {
    return JSON.parse(readFileSync(this.path(cluster, "cluster.json"), "utf8")) as { apiPort: number };
  }

  pid(cluster: string): number {
    return (JSON.parse(readFileSync(this.path(cluster, "k8ts.pid"), "utf8")) as { pid: number }).pid;
  }

  log(cluster: string): string {
    const file = this.path(cluster, "k8ts.log");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  write(name: string, text: string): string {
    const file = join(this.dir, name);
    writeFileSync(file, text);
    return file;
  }

  /** Asks the cluster's API as its administrator. */
  api(cluster: string, method: string, path: string, options: ApiOptions = {}): Promise<Reply> {
    const read = (file: string): Buffer => readFileSync(this.path(cluster, "pki", file));
    const body =
      typeof options.body === "string" || options.body instanceof Uint8Array
        ? options.body
        : JSON.stringify(options.body);
    return new Promise((resolve, reject) => {
      const req = request(
        {
          host: "127.0.0.1",
          port: this.spec(cluster).apiPort,
          method,
          path,
          ca: read("ca.crt"),
          ...(!options.anonymous && { cert: read("admin.crt"), key: read("admin.key") }),
          headers: { ...(body !== undefined && { "content-type": "application/json" }), ...options.headers },
          agent: false,
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        },
      );
      // A server that refuses a body early closes the connection while we still write.
      req.on("error", reject);
      req.end(body);
    });
  }

  /** Ends every server below the home, however the test left it, and removes all files. */
  dispose(): void {
    const clusters = existsSync(this.home) ? readdirSync(this.home) : [];
    for (const cluster of clusters) {
      try {
        process.kill(this.pid(cluster), "SIGKILL");
      } catch {
        // It does not run, or never did.
      }
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface ApiOptions {
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
  readonly anonymous?: boolean;
}

function words(line: string): string[] {
  return line.split(" ").filter(Boolean);
}

const SIGNALS: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Promise<Outcome> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], ...(cwd && { cwd }) });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const ms = performance.now() - started;
      resolve({ code: code ?? 128 + (SIGNALS[signal ?? ""] ?? 0), stdout, stderr, ms });
    });
  });
}

/** The promise that every failure keeps: its exit code, one sentence that says what is wrong, what to do, and no stack trace. */
export function expectFailure(outcome: Outcome, code: number, message: string | RegExp, hint?: string | RegExp): void {
  const { stderr } = outcome;
  expect({ code: outcome.code, stderr }).toMatchObject({ code });
  const complaints = stderr.split("\n").filter((line) => line.startsWith("k8ts: "));
  expect(complaints, stderr).toHaveLength(1);
  expect(complaints[0]).toMatch(message);
  if (hint !== undefined) expect(stderr).toMatch(hint);
  expect(stderr).not.toMatch(/^\s+at .*[:(]/m);
  expect(stderr).not.toMatch(/\bundefined\b|\[object |node:internal/);
}

/** Asks until `check` is content, or throws its last complaint after `seconds`. */
export async function eventually<T>(check: () => T | Promise<T>, seconds = 20): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Whether a process is there and not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
