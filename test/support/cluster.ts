import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Whether this machine can run real containers under stock kubectl, and else why not. */
export function whyNoCluster(): string | undefined {
  if (process.platform !== "linux") return "real containers need Linux";
  if (process.getuid?.() !== 0) return "real containers need root";
  if (!kubectlPath()) return "kubectl is not installed (set KUBECTL, or apt-get install kubernetes-client)";
  return undefined;
}

/** The stock kubectl to test with: `$KUBECTL`, else the one on the PATH. */
export function kubectlPath(): string | undefined {
  if (process.env["KUBECTL"]) return process.env["KUBECTL"];
  try {
    return execFileSync("which", ["kubectl"], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real cluster of our own, made by `./k8ts` as a user would, in folders of its own. */
export class TestCluster {
  readonly name: string;
  readonly home: string;
  readonly kubeconfig: string;
  readonly #children: ChildProcess[] = [];

  constructor(name: string) {
    this.name = name;
    this.home = mkdtempSync(join(tmpdir(), "k8ts-e2e-"));
    this.kubeconfig = join(this.home, "kubeconfig");
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, K8TS_HOME: this.home, KUBECONFIG: this.kubeconfig };
  }

  /** Runs `./k8ts VERB ... --name NAME`. */
  k8ts(verb: string, ...args: string[]): Promise<Result> {
    return run(join(root, "k8ts"), [...verb.split(" "), "--name", this.name, ...args], this.env);
  }

  /** Runs kubectl; throws with its stderr when it fails. */
  async kubectl(command: string, options: { input?: string } = {}): Promise<string> {
    const result = await this.tryKubectl(command, options);
    if (result.code !== 0) throw new Error(`kubectl ${command}: exit ${result.code}\n${result.stdout}${result.stderr}`);
    return result.stdout;
  }

  /** Runs kubectl with words split at spaces; quote with double quotes. */
  tryKubectl(command: string, options: { input?: string } = {}): Promise<Result> {
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2] ?? "");
    return run(kubectlPath() ?? "kubectl", words, this.env, options.input);
  }

  /** Starts kubectl in the background; ended with the cluster. */
  kubectlBackground(command: string): ChildProcess {
    const child = spawn(kubectlPath() ?? "kubectl", command.split(" "), {
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.push(child);
    return child;
  }

  /** The pid of the server process. */
  get serverPid(): number {
    return (JSON.parse(readFileSync(join(this.home, this.name, "k8ts.pid"), "utf8")) as { pid: number }).pid;
  }

  get log(): string {
    const file = join(this.home, this.name, "k8ts.log");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  async dispose(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await this.k8ts("delete", "--purge");
    rmSync(this.home, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, input?: string): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { env, maxBuffer: 64 << 20, timeout: 240_000 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : 1) : 0;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input ?? "");
  });
}

/** Asks until `check` is content, or throws its last complaint after `seconds`. */
export async function eventually<T>(check: () => Promise<T>, seconds = 60): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
