import { readFileSync } from "node:fs";
import { clusterNames, clusterPaths } from "../lifecycle/paths.ts";
import { runningProcess } from "../lifecycle/process.ts";
import { type ClusterSpec, readSpec } from "../lifecycle/spec.ts";
import { CliError, EXIT, noCluster } from "./errors.ts";
import { checkOutput, print, printJson, table } from "./output.ts";

interface ClusterStatus {
  readonly name: string;
  /** `starting`: the server runs, but does not answer that it is ready. */
  readonly state: "running" | "starting" | "stopped" | "damaged";
  readonly pid: number | null;
  readonly server: string | null;
  readonly node: ClusterSpec["node"] | null;
  readonly directory: string;
}

/** `k8ts status`: exit code 0 when the cluster runs, 3 when it is stopped or does not exist, 1 when it is not (yet) ready. */
export async function status(name: string, options: { output?: string }): Promise<number> {
  checkOutput(options.output);
  const paths = clusterPaths(name);
  if (!readSpec(paths)) throw noCluster(name);
  const found = await statusOf(name);
  if (options.output === "json") printJson(found);
  else {
    print(`${found.name} is ${found.state}${found.pid ? ` (process ${found.pid})` : ""}`);
    print(`  API server  ${found.server}`);
    print(`  node        ${found.node}`);
    print(`  files       ${found.directory}`);
  }
  if (found.state === "starting") return EXIT.failed;
  return found.state === "running" ? EXIT.ok : EXIT.notRunning;
}

/** `k8ts list`. */
export async function list(options: { output?: string }): Promise<void> {
  checkOutput(options.output);
  const all = await Promise.all(clusterNames().map(statusOf));
  if (options.output === "json") printJson(all);
  else if (all.length === 0) print("no clusters; make one with: k8ts up");
  else
    print(
      table(
        ["NAME", "STATE", "NODE", "SERVER"],
        all.map((c) => [c.name, c.state, c.node ?? "?", c.server ?? "?"]),
      ),
    );
}

/** `k8ts kubeconfig`: prints it, or merges it into the user's. */
export async function kubeconfig(name: string, options: { merge?: boolean; output?: string }): Promise<void> {
  checkOutput(options.output);
  const paths = clusterPaths(name);
  const spec = readSpec(paths);
  if (!spec) throw noCluster(name);
  if (options.merge) {
    const { contextName, mergeContext } = await import("../lifecycle/kubeconfig.ts");
    const file = await mergeContext(paths, spec);
    if (options.output === "json") printJson({ name, context: contextName(name), kubeconfig: file });
    else print(`merged context ${contextName(name)} into ${file}`);
    return;
  }
  let text: string;
  try {
    text = readFileSync(paths.kubeconfig, "utf8");
  } catch (cause) {
    const hint = `start the cluster, which makes it: k8ts start --name ${name}`;
    throw new CliError(`cluster ${name} has no kubeconfig yet`, { hint, cause });
  }
  if (options.output === "json") printJson((await import("yaml")).parse(text));
  else process.stdout.write(text);
}

async function statusOf(name: string): Promise<ClusterStatus> {
  const paths = clusterPaths(name);
  const pid = runningProcess(paths.pid) ?? null;
  const shared = { name, pid, directory: paths.dir };
  let spec: ClusterSpec | undefined;
  try {
    spec = readSpec(paths);
  } catch {
    // `status` says what is wrong with it; `list` must show the others.
  }
  if (!spec) return { ...shared, state: "damaged", server: null, node: null };
  const known = { ...shared, server: `https://127.0.0.1:${spec.apiPort}`, node: spec.node };
  if (pid === null) return { ...known, state: "stopped" };
  const { isReady } = await import("../lifecycle/readiness.ts");
  return { ...known, state: (await isReady(paths, spec)) ? "running" : "starting" };
}
