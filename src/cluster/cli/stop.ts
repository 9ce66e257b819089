import { existsSync, rmSync, rmdirSync } from "node:fs";
import { RealClock } from "../../kit/index.ts";
import { removeContext } from "../lifecycle/kubeconfig.ts";
import { withLock } from "../lifecycle/lock.ts";
import { type ClusterPaths, clusterPaths, home } from "../lifecycle/paths.ts";
import { forgetProcess, runningProcess } from "../lifecycle/process.ts";
import { readSpec } from "../lifecycle/spec.ts";
import { purgeNode, tearDownNode } from "../machine/teardown.ts";
import { CliError, EXIT } from "./errors.ts";
import { print } from "./output.ts";

const GRACE_MS = 20_000;

/** `k8ts stop`: ends the server and all containers; the state stays. Harmless when nothing runs. */
export async function stop(name: string): Promise<number> {
  const paths = clusterPaths(name);
  const spec = readSpec(paths);
  if (!spec)
    throw new CliError(`there is no cluster named ${name}`, {
      hint: "see all clusters with: k8ts list",
      exitCode: EXIT.notRunning,
    });
  return withLock(paths, async () => {
    await stopServer(paths);
    if (spec.node === "real") await tearDownNode(paths, spec);
    print(`cluster ${name} is stopped; start it again with: k8ts start --name ${name}`);
    return EXIT.ok;
  });
}

/** `k8ts delete`: `stop`, then removes the cluster's files and its kubeconfig context. Harmless when there is none. */
export async function remove(name: string, options: { purge?: boolean }): Promise<number> {
  const paths = clusterPaths(name);
  if (!existsSync(paths.dir) && !existsSync(paths.run)) {
    print(`there is no cluster named ${name}: nothing to remove`);
    return EXIT.ok;
  }
  return withLock(paths, async () => {
    const spec = readSpec(paths);
    await stopServer(paths);
    if (spec?.node === "real") await purgeNode(paths, spec);
    if (spec) await removeContext(spec);
    rmSync(paths.dir, { recursive: true, force: true });
    rmSync(paths.run, { recursive: true, force: true });
    if (options.purge) purgeShared(paths);
    print(`cluster ${name} is removed`);
    return EXIT.ok;
  }).finally(() => removeIfEmpty(home()));
}

/** Asks the server to end, then makes it. */
async function stopServer(paths: ClusterPaths): Promise<void> {
  const clock = new RealClock();
  for (const [signal, patience] of [["SIGTERM", GRACE_MS] as const, ["SIGKILL", 5_000] as const]) {
    const pid = runningProcess(paths.pid);
    if (pid === undefined) break;
    process.kill(pid, signal);
    const deadline = clock.monotonic() + patience;
    while (runningProcess(paths.pid) === pid && clock.monotonic() < deadline) await clock.sleep(20);
  }
  forgetProcess(paths.pid);
}

/** Removes the folders that all clusters share, when the last one is gone. */
function purgeShared(paths: ClusterPaths): void {
  if (paths.run.startsWith("/run/k8ts/")) removeIfEmpty("/run/k8ts");
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Not empty: other clusters live there. Not there: nothing to do.
  }
}
