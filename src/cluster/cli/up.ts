import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { RealClock } from "../../kit/index.ts";
import { startServer } from "../lifecycle/daemon.ts";
import { mergeContext } from "../lifecycle/kubeconfig.ts";
import { withLock } from "../lifecycle/lock.ts";
import { type ClusterPaths, clusterNames, clusterPaths } from "../lifecycle/paths.ts";
import { runningProcess } from "../lifecycle/process.ts";
import { checkOptions, type ClusterOptions, type ClusterSpec, readSpec, writeSpec } from "../lifecycle/spec.ts";
import { addressAt, connectedRanges, freePort, freeRange, isPortFree } from "../machine/network.ts";
import { hasApt, installPackages, missingPackages } from "../machine/packages.ts";
import { CliError, EXIT, usageError } from "./errors.ts";
import { print, printJson, Progress } from "./output.ts";

/** What the flags of `up` and `start` say. */
export interface UpFlags {
  readonly config?: string;
  readonly simulated?: boolean;
  readonly simulatedNodes?: number;
  readonly apiPort?: number;
  readonly install?: boolean;
  readonly kubeconfig?: string;
  readonly wait?: number;
  readonly output?: string;
}

const POD_RANGES = Array.from({ length: 10 }, (_, i) => `10.${244 + i}.0.0/16`);
const SERVICE_RANGES = Array.from({ length: 16 }, (_, i) => `10.${96 + i}.0.0/16`);

/** `k8ts up`: makes the cluster if there is none, then does what `start` does. */
export async function up(name: string, flags: UpFlags): Promise<number> {
  checkOutput(flags.output);
  const options = { ...(await readConfig(flags.config)), ...flagOptions(flags) };
  const paths = clusterPaths(options.name ?? name);
  const progress = newProgress(flags);
  return withLock(paths, async () => {
    const existing = readSpec(paths);
    if (existing) refuseChanges(existing, options);
    if (existing && runningProcess(paths.pid) !== undefined) return finish(paths, existing, flags, progress);
    const spec = existing ?? (await decide(paths, options, progress));
    if (spec.node === "real") await ensurePackages(flags.install ?? true, progress);
    if (!existing) writeSpec(paths, spec);
    return launch(paths, spec, flags, progress);
  });
}

/** `k8ts start`: starts a cluster that `up` made. */
export async function start(name: string, flags: UpFlags): Promise<number> {
  checkOutput(flags.output);
  const paths = clusterPaths(name);
  const spec = readSpec(paths);
  if (!spec) {
    throw new CliError(`there is no cluster named ${name}`, {
      hint: `make it with: k8ts up --name ${name}`,
      exitCode: EXIT.notRunning,
    });
  }
  const progress = newProgress(flags);
  return withLock(paths, () =>
    runningProcess(paths.pid) === undefined
      ? launch(paths, spec, flags, progress)
      : finish(paths, spec, flags, progress),
  );
}

function newProgress(flags: UpFlags): Progress {
  const clock = new RealClock();
  return new Progress(() => clock.monotonic(), flags.output === "json");
}

/** Refuses anything but `-o json`. */
export function checkOutput(output: string | undefined): void {
  if (output !== undefined && output !== "json")
    throw usageError(`output format ${JSON.stringify(output)} is unknown`, "use -o json");
}

async function readConfig(file: string | undefined): Promise<ClusterOptions> {
  if (file === undefined) return {};
  if (!existsSync(file)) throw usageError(`configuration file ${file} does not exist`);
  const { parseDocument } = await import("yaml");
  const document = parseDocument(readFileSync(file, "utf8"));
  const [error] = document.errors;
  if (error) throw usageError(`${file} is not valid YAML: ${error.message.split("\n")[0]}`);
  return checkOptions(document.toJS(), file);
}

function flagOptions(flags: UpFlags): ClusterOptions {
  return checkFlags({
    ...(flags.simulated && { node: "simulated" as const }),
    ...(flags.simulatedNodes !== undefined && { simulatedNodes: flags.simulatedNodes }),
    ...(flags.apiPort !== undefined && { apiPort: flags.apiPort }),
    ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }),
  });
}

function checkFlags(options: ClusterOptions): ClusterOptions {
  return checkOptions({ apiVersion: "k8ts.dev/v1", kind: "Cluster", ...options }, "the command line");
}

/** A cluster keeps what it was made with: asking for something else is a mistake that must not pass in silence. */
function refuseChanges(existing: ClusterSpec, wanted: ClusterOptions): void {
  for (const [field, value] of Object.entries(wanted)) {
    const now = existing[field as keyof ClusterSpec];
    if (now === value) continue;
    throw usageError(
      `cluster ${existing.name} exists with ${field} ${JSON.stringify(now)}, which cannot become ${JSON.stringify(value)}`,
      `make another cluster with --name, or remove this one with: k8ts delete --name ${existing.name}`,
    );
  }
}

async function decide(paths: ClusterPaths, options: ClusterOptions, progress: Progress): Promise<ClusterSpec> {
  const others = clusterNames().flatMap((other) => readSpec(clusterPaths(other)) ?? []);
  const ports = new Set(others.flatMap((o) => [o.apiPort, o.kubeletPort, o.dnsPort]));
  const ranges = [...connectedRanges(), ...others.flatMap((o) => [o.podCidr, o.serviceCidr])];
  if (options.apiPort !== undefined && !(await isPortFree(options.apiPort))) {
    throw usageError(`port ${options.apiPort} is taken by another process`, "leave --api-port out to get a free one");
  }
  const node = options.node ?? defaultNode(progress);
  const apiPort = options.apiPort ?? (await freePort(6443, ports));
  ports.add(apiPort);
  const kubeletPort = options.kubeletPort ?? (await freePort(10250, ports));
  ports.add(kubeletPort);
  return {
    nodeName: hostname().toLowerCase(),
    simulatedNodes: node === "simulated" ? 1 : 0,
    apiAddress: "0.0.0.0",
    dnsPort: await freePort(10053, ports),
    podCidr: pickRange("podCidr", POD_RANGES, ranges),
    serviceCidr: pickRange("serviceCidr", SERVICE_RANGES, ranges),
    clusterDomain: "cluster.local",
    ...options,
    node,
    apiPort,
    kubeletPort,
    apiVersion: "k8ts.dev/v1",
    kind: "Cluster",
    name: paths.name,
  };
}

function defaultNode(progress: Progress): "real" | "simulated" {
  if (process.platform === "linux" && process.getuid?.() === 0) return "real";
  const why = process.platform === "linux" ? "you are not root" : `this is ${process.platform}, not Linux`;
  progress.note(`${why}: the cluster gets a simulated node, whose pods run no containers`);
  return "simulated";
}

function pickRange(field: string, candidates: readonly string[], taken: readonly string[]): string {
  const range = freeRange(candidates, taken);
  if (!range)
    throw new CliError(`every default ${field} is in use on this machine`, {
      hint: `give one in a --config file (${field}: ...)`,
    });
  return range;
}

async function ensurePackages(install: boolean, progress: Progress): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const names = missing.map((m) => m.package);
  const list = missing.map((m) => `${m.package} (${m.why})`).join(", ");
  if (!install || !hasApt()) {
    const reason = install ? "this is neither Debian nor Ubuntu" : "--no-install was given";
    throw new CliError(`a real node needs packages that are missing: ${list}`, {
      hint: `${reason}: install ${names.join(" ")} with your package manager, or use --simulated`,
    });
  }
  progress.note(`installing ${list}`);
  const output: string[] = [];
  try {
    await installPackages(names, (line) => output.push(line));
  } catch (error) {
    for (const line of output.slice(-15)) progress.note(line);
    throw error;
  }
  progress.step(`installed ${names.join(", ")}`);
}

async function launch(paths: ClusterPaths, spec: ClusterSpec, flags: UpFlags, progress: Progress): Promise<number> {
  mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
  await startServer(paths, (flags.wait ?? 120) * 1000, (message) => progress.step(message));
  return finish(paths, spec, flags, progress);
}

async function finish(paths: ClusterPaths, spec: ClusterSpec, flags: UpFlags, progress: Progress): Promise<number> {
  const target = await mergeContext(paths, spec);
  const context = `k8ts-${spec.name}`;
  if (flags.output === "json") {
    printJson({
      name: spec.name,
      context,
      kubeconfig: target,
      server: `https://127.0.0.1:${spec.apiPort}`,
      node: spec.node,
    });
    return EXIT.ok;
  }
  print(
    `cluster ${spec.name} is ready after ${progress.seconds.toFixed(1)} s; context ${context} is current in ${target}`,
  );
  print();
  print("  kubectl get nodes");
  if (spec.node === "real") {
    print(
      "  kubectl create deployment web --image k8ts.local/demo-http --replicas 3 && kubectl expose deployment web --port 80 --target-port 8080",
    );
    print(`  DNS answers at ${addressAt(spec.serviceCidr, 10)}, in pods and on this machine`);
  }
  print(`  k8ts stop --name ${spec.name}     (delete --purge removes it without a trace)`);
  return EXIT.ok;
}
