import { readFileSync } from "node:fs";
import { mergeContext } from "../lifecycle/kubeconfig.ts";
import { clusterNames, clusterPaths } from "../lifecycle/paths.ts";
import { runningProcess } from "../lifecycle/process.ts";
import { type ClusterSpec, readSpec } from "../lifecycle/spec.ts";
import { CliError, EXIT } from "./errors.ts";
import { print, printJson, table } from "./output.ts";
import { checkOutput } from "./up.ts";

interface ClusterStatus {
  readonly name: string;
  readonly state: "running" | "stopped";
  readonly pid: number | null;
  readonly server: string;
  readonly node: ClusterSpec["node"];
  readonly directory: string;
}

/** `k8ts status`: exit code 0 when the cluster runs, 3 when it is stopped or does not exist. */
export async function status(name: string, options: { output?: string }): Promise<number> {
  checkOutput(options.output);
  const found = statusOf(name);
  if (!found) throw noCluster(name);
  if (options.output === "json") printJson(found);
  else {
    print(`${found.name} is ${found.state}${found.pid ? ` (process ${found.pid})` : ""}`);
    print(`  API server  ${found.server}`);
    print(`  node        ${found.node}`);
    print(`  files       ${found.directory}`);
  }
  return found.state === "running" ? EXIT.ok : EXIT.notRunning;
}

/** `k8ts list`. */
export async function list(options: { output?: string }): Promise<number> {
  checkOutput(options.output);
  const all = clusterNames().flatMap((name) => statusOf(name) ?? []);
  if (options.output === "json") printJson(all);
  else if (all.length === 0) print("no clusters; make one with: k8ts up");
  else
    print(
      table(
        ["NAME", "STATE", "NODE", "SERVER"],
        all.map((c) => [c.name, c.state, c.node, c.server]),
      ),
    );
  return EXIT.ok;
}

/** `k8ts kubeconfig`. */
export async function kubeconfig(name: string, options: { merge?: boolean }): Promise<number> {
  const paths = clusterPaths(name);
  const spec = readSpec(paths);
  if (!spec) throw noCluster(name);
  if (options.merge) print(`merged context k8ts-${name} into ${await mergeContext(paths, spec)}`);
  else process.stdout.write(readFileSync(paths.kubeconfig, "utf8"));
  return EXIT.ok;
}

function statusOf(name: string): ClusterStatus | undefined {
  const paths = clusterPaths(name);
  const spec = readSpec(paths);
  if (!spec) return undefined;
  const pid = runningProcess(paths.pid);
  return {
    name,
    state: pid === undefined ? "stopped" : "running",
    pid: pid ?? null,
    server: `https://127.0.0.1:${spec.apiPort}`,
    node: spec.node,
    directory: paths.dir,
  };
}

function noCluster(name: string): CliError {
  return new CliError(`there is no cluster named ${name}`, {
    hint: `make it with: k8ts up --name ${name}; see all with: k8ts list`,
    exitCode: EXIT.notRunning,
  });
}
