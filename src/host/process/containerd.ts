import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { CodedError, type Env, errorText, isCoded } from "../../kit/index.ts";
import { SystemMounter, unmountAll } from "../mount/index.ts";
import { type ContainerdSettings, containerdConfig } from "./containerd-config.ts";
import { type ProcessIdentity, endProcess, findDaemon, identify, startDaemon, stopDaemon } from "./daemon.ts";

export interface ContainerdOptions {
  /** Holds config.toml, the log and containerd's root. */
  readonly dir: string;
  /** Holds the socket and containerd's state; short, since a socket's path may have 107 bytes, and on a local file system. */
  readonly stateDir: string;
  /** `NAME:TAG` of an image that will have been imported before the first pod. */
  readonly sandboxImage: string;
  readonly cniConfDir: string;
  readonly cniBinDirs?: readonly string[];
  readonly registryConfigPath?: string;
  readonly maxContainerLogLineSize?: number;
  readonly snapshotter?: string;
  /** Where to look for containerd, its shim and runc before `$PATH`. */
  readonly binDirs?: readonly string[];
  /** Whether the socket answers CRI; default: it accepts a connection. */
  readonly probe: (socket: string) => Promise<void>;
}

/** One containerd of our own: its files, its socket, its process. It and its containers outlive us. */
export interface Containerd {
  /** The CRI endpoint, as a path. */
  readonly socket: string;
  readonly binaries: { readonly containerd: string; readonly ctr: string | undefined };
  /** Adopts the one that runs with the same settings, else starts one. Resolves once it answers. */
  start(signal?: AbortSignal): Promise<{ readonly adopted: boolean; readonly pid: number }>;
  readonly running: boolean;
  /** Ends containerd; its containers go on. */
  stop(): Promise<void>;
  /** Ends containerd and whatever shims and mounts it left, and deletes its files. Remove the pods through CRI first. */
  purge(): Promise<void>;
}

const SYSTEM_DIRS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const CNI_DIRS = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
const START_TIMEOUT_MS = 30_000;
/** Bit 24 of the effective capabilities: CAP_SYS_RESOURCE (capability.h). */
const CAP_SYS_RESOURCE = 24n;

/** Finds the program on the path; undefined when this machine lacks it. */
export function findProgram(name: string, first: readonly string[] = []): string | undefined {
  const dirs = [...first, ...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_DIRS];
  return dirs.map((dir) => join(dir, name)).find((path) => path.startsWith("/") && existsSync(path));
}

/** The directories of this machine that hold CNI plugins. */
export function findCniBinDirs(): string[] {
  return CNI_DIRS.filter((dir) => existsSync(join(dir, "bridge")));
}

/** Whether this process may lower oom scores (CAP_SYS_RESOURCE), which runc needs for guaranteed pods and the sandbox. */
export function mayLowerOomScore(status: string = readFileSync("/proc/self/status", "utf8")): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask !== undefined && ((BigInt(`0x${mask}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
}

/** Throws `ContainerdMissing` when this machine has no containerd. Starts nothing yet. */
export function createContainerd(options: ContainerdOptions, env: Env): Containerd {
  const containerd = findProgram("containerd", options.binDirs);
  if (!containerd) {
    throw new CodedError("ContainerdMissing", "containerd is not installed: no such program on the path");
  }
  const socket = join(options.stateDir, "containerd.sock");
  if (Buffer.byteLength(socket) + ".ttrpc".length > 107) {
    throw new CodedError("PathTooLong", `containerd's socket path "${socket}" is too long: at most 101 bytes`);
  }
  const daemon = new ContainerdDaemon(options, env, containerd, socket);
  return {
    socket,
    binaries: { containerd, ctr: findProgram("ctr", options.binDirs) },
    start: (signal) => daemon.start(signal),
    get running() {
      return findDaemon(daemon.pidFile) !== undefined;
    },
    stop: () => stopDaemon(daemon.pidFile, env.clock),
    purge: () => daemon.purge(),
  };
}

class ContainerdDaemon {
  readonly pidFile: string;
  readonly #options: ContainerdOptions;
  readonly #env: Env;
  readonly #binary: string;
  readonly #socket: string;
  readonly #configFile: string;
  readonly #logFile: string;

  constructor(options: ContainerdOptions, env: Env, binary: string, socket: string) {
    this.#options = options;
    this.#env = env;
    this.#binary = binary;
    this.#socket = socket;
    this.pidFile = join(options.stateDir, "containerd.pid");
    this.#configFile = join(options.dir, "containerd.toml");
    this.#logFile = join(options.dir, "containerd.log");
  }

  async start(signal?: AbortSignal): Promise<{ adopted: boolean; pid: number }> {
    const { dir, stateDir } = this.#options;
    for (const path of [dir, stateDir, this.#options.cniConfDir]) mkdirSync(path, { recursive: true, mode: 0o711 });
    const config = containerdConfig(this.#settings());
    const current = findDaemon(this.pidFile);
    if (current) {
      if (config === readOr(this.#configFile, "") && (await this.#answers()))
        return { adopted: true, pid: current.pid };
      await stopDaemon(this.pidFile, this.#env.clock);
    }
    writeFileSync(this.#configFile, config, { mode: 0o600 });
    rmSync(this.#socket, { force: true });
    const paths = [...(this.#options.binDirs ?? []), ...SYSTEM_DIRS].join(delimiter);
    const identity = await startDaemon({
      command: this.#binary,
      args: ["--config", this.#configFile],
      env: { PATH: paths, HOME: "/root", ...proxyVariables() },
      logFile: this.#logFile,
      pidFile: this.pidFile,
    });
    try {
      await this.#untilAnswers(identity, signal);
    } catch (error) {
      await stopDaemon(this.pidFile, this.#env.clock);
      throw error;
    }
    return { adopted: false, pid: identity.pid };
  }

  async purge(): Promise<void> {
    await stopDaemon(this.pidFile, this.#env.clock);
    for (const shim of findShims(this.#socket)) await endProcess(shim, this.#env.clock, 500);
    const mounter = new SystemMounter();
    const { dir, stateDir } = this.#options;
    await unmountAll(mounter, stateDir);
    await unmountAll(mounter, dir);
    rmSync(stateDir, { recursive: true, force: true });
    rmSync(dir, { recursive: true, force: true });
  }

  #settings(): ContainerdSettings {
    const o = this.#options;
    return {
      root: join(o.dir, "root"),
      state: join(o.stateDir, "state"),
      socket: this.#socket,
      sandboxImage: o.sandboxImage,
      cniConfDir: o.cniConfDir,
      cniBinDirs: o.cniBinDirs ?? findCniBinDirs(),
      mayLowerOomScore: mayLowerOomScore(),
      ...(o.registryConfigPath !== undefined && { registryConfigPath: o.registryConfigPath }),
      ...(o.maxContainerLogLineSize !== undefined && { maxContainerLogLineSize: o.maxContainerLogLineSize }),
      ...(o.snapshotter !== undefined && { snapshotter: o.snapshotter }),
    };
  }

  #answers(): Promise<boolean> {
    return this.#options.probe(this.#socket).then(
      () => true,
      () => false,
    );
  }

  async #untilAnswers(identity: ProcessIdentity, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#env;
    const started = clock.monotonic();
    let last: unknown;
    while (clock.monotonic() - started < START_TIMEOUT_MS) {
      signal?.throwIfAborted();
      if (identify(identity.pid)?.startTime !== identity.startTime) throw this.#failed("ended while it started");
      if (existsSync(this.#socket)) {
        try {
          await this.#options.probe(this.#socket);
          return;
        } catch (error) {
          if (isCoded(error, "Unimplemented")) throw this.#failed("runs without its CRI plugin");
          last = error;
        }
      }
      await clock.sleep(5, signal);
    }
    throw this.#failed(`did not answer within ${START_TIMEOUT_MS / 1000} s (${errorText(last)})`);
  }

  #failed(what: string): CodedError {
    const lines = readOr(this.#logFile, "").trimEnd().split("\n");
    const errors = lines.filter((l) =>
      /level=(?:error|fatal)|^containerd:|failed to load plugin.*grpc\.v1\.cri/.test(l),
    );
    const tail = (errors.length > 0 ? errors : lines).slice(-3).join("\n");
    return new CodedError("ContainerdFailed", `containerd ${what}; the end of ${this.#logFile}:\n${tail}`);
  }
}

/** The shims that report to the containerd on `socket`. */
function findShims(socket: string): ProcessIdentity[] {
  const shims: ProcessIdentity[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const args = readOr(`/proc/${name}/cmdline`, "").split("\0");
    const ours = args[0]?.includes("containerd-shim") && args[args.indexOf("-address") + 1] === socket;
    const identity = ours ? identify(Number(name)) : undefined;
    if (identity) shims.push(identity);
  }
  return shims;
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}

/** What image pulls need of our environment. */
function proxyVariables(): Record<string, string> {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
  return Object.fromEntries(names.flatMap((n) => (process.env[n] === undefined ? [] : [[n, process.env[n]]])));
}
