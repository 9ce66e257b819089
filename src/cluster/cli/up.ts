import { existsSync, readFileSync } from "node:fs";
import { RealClock } from "../../kit/index.ts";
import { startServer } from "../lifecycle/daemon.ts";
import { decide } from "../lifecycle/decide.ts";
import { changing, withLock } from "../lifecycle/lock.ts";
import { type ClusterPaths, clusterPaths, strangeEntries } from "../lifecycle/paths.ts";
import { runningProcess } from "../lifecycle/process.ts";
import { checkOptions, type ClusterOptions, type ClusterSpec, readSpec, writeSpec } from "../lifecycle/spec.ts";
import { addressAt } from "../machine/network.ts";
import { CliError, noCluster, usageError } from "./errors.ts";
import { checkOutput, print, printJson, Progress } from "./output.ts";

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

const DEFAULT_WAIT_S = 120;

/** `k8ts up`: makes the cluster if there is none, then does what `start` does. */
export async function up(name: string | undefined, flags: UpFlags): Promise<void> {
  checkOutput(flags.output);
  const options = { ...(await readConfig(flags.config)), ...flagOptions(flags) };
  const paths = clusterPaths(nameFor(name, options));
  const progress = newProgress(flags);
  await withLock(changing(paths), async () => {
    const existing = readSpec(paths);
    if (existing) refuseChanges(existing, options);
    else refuseForeign(paths);
    if (existing && runningProcess(paths.pid) !== undefined) return join(paths, existing, flags, progress);
    const node = existing?.node ?? options.node ?? defaultNode(progress);
    if (node === "real") await preparePackages(flags.install ?? true, progress);
    const spec = existing ?? (await make(paths, node, options));
    return launch(paths, spec, flags, progress);
  });
}

/** `k8ts start`: starts a cluster that `up` made. */
export async function start(name: string, flags: UpFlags): Promise<void> {
  checkOutput(flags.output);
  const paths = clusterPaths(name);
  const progress = newProgress(flags);
  if (!readSpec(paths)) throw noCluster(name);
  await withLock(changing(paths), async () => {
    const spec = readSpec(paths);
    if (!spec) throw noCluster(name);
    const runs = runningProcess(paths.pid) !== undefined;
    return runs ? join(paths, spec, flags, progress) : launch(paths, spec, flags, progress);
  });
}

function newProgress(flags: UpFlags): Progress {
  const clock = new RealClock();
  return new Progress(() => clock.monotonic(), flags.output === "json");
}

async function readConfig(file: string | undefined): Promise<ClusterOptions> {
  if (file === undefined) return {};
  if (!existsSync(file)) throw usageError(`configuration file ${file} does not exist`);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw usageError(`cannot read the configuration file ${file}: ${(cause as Error).message}`);
  }
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw usageError(`${file} is not valid YAML: ${error.message.split("\n")[0]}`);
  return checkOptions(document.toJS(), file);
}

function flagOptions(flags: UpFlags): ClusterOptions {
  const options = {
    ...(flags.simulated && { node: "simulated" }),
    ...(flags.simulatedNodes !== undefined && { simulatedNodes: flags.simulatedNodes }),
    ...(flags.apiPort !== undefined && { apiPort: flags.apiPort }),
    ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }),
  };
  return checkOptions({ apiVersion: "k8ts.dev/v1", kind: "Cluster", ...options }, "the command line");
}

function nameFor(argument: string | undefined, options: ClusterOptions): string {
  if (argument !== undefined && options.name !== undefined && argument !== options.name) {
    throw usageError(
      `the command line says ${JSON.stringify(argument)}, the configuration file ${JSON.stringify(options.name)}`,
      "name the cluster in one place, or the same in both",
    );
  }
  return options.name ?? argument ?? "local";
}

/** A cluster keeps what it was made with: asking for something else is a mistake that must not pass in silence. */
function refuseChanges(existing: ClusterSpec, wanted: ClusterOptions): void {
  for (const [field, value] of Object.entries(wanted)) {
    const now = existing[field as keyof ClusterSpec];
    if (now === value) continue;
    const has = now === undefined ? `without ${field}` : `with ${field} ${JSON.stringify(now)}`;
    throw usageError(
      `cluster ${existing.name} exists ${has}, which cannot become ${JSON.stringify(value)}`,
      `make another cluster with --name, or remove this one with: k8ts delete --name ${existing.name}`,
    );
  }
}

/** A folder with other people's files in it would be deleted with the cluster one day. */
function refuseForeign(paths: ClusterPaths): void {
  const strange = strangeEntries(paths);
  if (strange.length === 0) return;
  throw new CliError(`${paths.dir} is not a folder of k8ts: it holds ${strange.slice(0, 3).join(", ")}`, {
    hint: "give the cluster another --name, or set K8TS_HOME to a folder for clusters",
  });
}

function defaultNode(progress: Progress): ClusterSpec["node"] {
  if (process.platform === "linux" && process.getuid?.() === 0) return "real";
  const why = process.platform === "linux" ? "you are not root" : `this is ${process.platform}, not Linux`;
  progress.note(`${why}: the cluster gets a simulated node, whose pods run no containers`);
  return "simulated";
}

async function preparePackages(install: boolean, progress: Progress): Promise<void> {
  const { ensurePackages } = await import("../machine/packages.ts");
  await ensurePackages(install, progress);
}

/** Decides what the cluster is like and writes it down, while no other cluster of this user does the same. */
function make(paths: ClusterPaths, node: ClusterSpec["node"], options: ClusterOptions): Promise<ClusterSpec> {
  return withLock({ file: paths.registryLock, doing: "making a cluster" }, async () => {
    const spec = await decide(paths, node, options);
    writeSpec(paths, spec);
    return spec;
  });
}

async function launch(paths: ClusterPaths, spec: ClusterSpec, flags: UpFlags, progress: Progress): Promise<void> {
  const server = startServer(paths, waitOf(flags), (message) => progress.step(message));
  // Loaded while there is nothing to do but wait.
  await Promise.all([server, import("../lifecycle/kubeconfig.ts"), import("yaml")]);
  await finish(paths, spec, flags, progress);
}

/** For a server that an earlier command started: it may still be on its way. */
async function join(paths: ClusterPaths, spec: ClusterSpec, flags: UpFlags, progress: Progress): Promise<void> {
  const { untilReady } = await import("../lifecycle/readiness.ts");
  await untilReady(paths, waitOf(flags));
  await finish(paths, spec, flags, progress);
}

function waitOf(flags: UpFlags): number {
  return (flags.wait ?? DEFAULT_WAIT_S) * 1000;
}

async function finish(paths: ClusterPaths, spec: ClusterSpec, flags: UpFlags, progress: Progress): Promise<void> {
  const { mergeContext, contextName } = await import("../lifecycle/kubeconfig.ts");
  const kubeconfig = await mergeContext(paths, spec);
  const context = contextName(spec.name);
  if (flags.output === "json") {
    printJson({
      name: spec.name,
      state: "running",
      context,
      kubeconfig,
      server: `https://127.0.0.1:${spec.apiPort}`,
      node: spec.node,
      seconds: Number(progress.seconds.toFixed(2)),
    });
    return;
  }
  const took = progress.seconds.toFixed(1);
  print(`cluster ${spec.name} is ready after ${took} s; context ${context} is current in ${kubeconfig}`);
  print();
  print("  kubectl get nodes");
  if (spec.node === "real") {
    print(
      "  kubectl create deployment web --image k8ts.local/demo-http --replicas 3 && kubectl expose deployment web --port 80 --target-port 8080",
    );
    print(`  DNS answers at ${addressAt(spec.serviceCidr, 10)}, in pods and on this machine`);
  } else {
    print("  (a simulated node: pods become Running, but no container runs)");
  }
  print(`  k8ts stop --name ${spec.name}     (delete --purge removes it without a trace)`);
}
