import { existsSync, rmSync } from "node:fs";
import { RealClock } from "../../kit/index.ts";
import { forgetCompiledCode } from "../compile-cache.ts";
import { changing, withLock } from "../lifecycle/lock.ts";
import { type ClusterPaths, clusterNames, clusterPaths, removeIfEmpty, strangeEntries } from "../lifecycle/paths.ts";
import { forgetProcess, runningProcess } from "../lifecycle/process.ts";
import { readSpec } from "../lifecycle/spec.ts";
import { CliError, noCluster } from "./errors.ts";
import { checkOutput, print, printJson, printWarning } from "./output.ts";

const GRACE_MS = 20_000;
const KILL_MS = 5_000;
const POLL_MS = 20;

export interface StopFlags {
  readonly output?: string;
  /** Leave nothing: caches that clusters share go with the last of them. */
  readonly purge?: boolean;
}

/** `k8ts stop`: ends the server and all containers; the state stays. Harmless when nothing runs. */
export async function stop(name: string, flags: StopFlags): Promise<void> {
  checkOutput(flags.output);
  const paths = clusterPaths(name);
  if (!readSpec(paths)) throw noCluster(name);
  await withLock(changing(paths, true), async () => {
    const spec = readSpec(paths);
    if (!spec) throw noCluster(name);
    await stopServer(paths);
    if (spec.node === "real") await (await import("../machine/teardown.ts")).tearDownNode(paths);
  });
  if (flags.output === "json") printJson({ name, state: "stopped" });
  else print(`cluster ${name} is stopped; start it again with: k8ts start --name ${name}`);
}

/** `k8ts delete`: `stop`, then removes the cluster's files and its kubeconfig context. Harmless when there is none. */
export async function remove(name: string, flags: StopFlags): Promise<void> {
  checkOutput(flags.output);
  const paths = clusterPaths(name);
  const there = existsSync(paths.dir) || existsSync(paths.run);
  if (there) {
    refuseForeign(paths);
    await withLock(changing(paths, true), () => removeAll(paths));
  }
  if (flags.output === "json") printJson({ name, state: there ? "removed" : "absent" });
  else print(there ? `cluster ${name} is removed` : `there is no cluster named ${name}: nothing to remove`);
  if (flags.purge && clusterNames().length === 0) forgetCompiledCode();
}

function refuseForeign(paths: ClusterPaths): void {
  const strange = strangeEntries(paths);
  if (strange.length === 0) return;
  throw new CliError(`${paths.dir} is not a cluster's folder: it holds ${strange.slice(0, 3).join(", ")}`, {
    hint: "nothing was removed; if it is of no use any more, remove it by hand",
  });
}

async function removeAll(paths: ClusterPaths): Promise<void> {
  await stopServer(paths);
  // Whether there was a real node is seen from what it left: the file that says so may be damaged.
  if (existsSync(paths.node)) await (await import("../machine/teardown.ts")).purgeNode(paths);
  if (existsSync(paths.merged)) {
    const { removeContext } = await import("../lifecycle/kubeconfig.ts");
    (await removeContext(paths, paths.name)).forEach(printWarning);
  }
  rmSync(paths.dir, { recursive: true, force: true });
  rmSync(paths.run, { recursive: true, force: true });
  if (paths.run.startsWith("/run/k8ts/")) removeIfEmpty("/run/k8ts");
}

/** Asks the server to end, then makes it. */
async function stopServer(paths: ClusterPaths): Promise<void> {
  const clock = new RealClock();
  for (const [signal, patience] of [["SIGTERM", GRACE_MS] as const, ["SIGKILL", KILL_MS] as const]) {
    const pid = runningProcess(paths.pid);
    if (pid === undefined) break;
    process.kill(pid, signal);
    const deadline = clock.monotonic() + patience;
    while (runningProcess(paths.pid) === pid && clock.monotonic() < deadline) await clock.sleep(POLL_MS);
  }
  const pid = runningProcess(paths.pid);
  if (pid !== undefined) throw new CliError(`process ${pid} of cluster ${paths.name} cannot be ended`);
  forgetProcess(paths.pid);
}
