import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { systemCgroups } from "../../host/cgroup/index.ts";
import { connectRuntime } from "../../host/cri/index.ts";
import { systemNftables } from "../../host/nftables/index.ts";
import { createEnv, type Env, isCoded, mapConcurrent, runProcess, silent } from "../../kit/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterPaths } from "../lifecycle/paths.ts";
import { cgroupRoot, clusterContainerd, networkNames, nodePaths, serviceTable } from "./runtime.ts";

/** Pods stopped at a time: each costs a few system calls in containerd, not in us. */
const CONCURRENCY = 8;
const STOP_TIMEOUT_MS = 30_000;

/**
 * Ends everything that a real node runs on this machine: pods with their containers and network, containerd, the bridge, the
 * nftables tables, mounts below the cluster's folder. Safe to repeat, and after a crash half-way.
 */
export async function tearDownNode(paths: ClusterPaths): Promise<void> {
  const env = createEnv({ log: silent });
  await stopPods(paths, env);
  await clusterContainerd(paths, env).stop();
  await removeNetwork(paths.name);
  await unmountBelow(paths.dir);
  systemCgroups()?.remove(cgroupRoot(paths.name));
  await rm(nodePaths(paths).cniData, { recursive: true, force: true });
}

/** Like {@link tearDownNode}, and deletes containerd's images and files too. */
export async function purgeNode(paths: ClusterPaths): Promise<void> {
  await tearDownNode(paths);
  await clusterContainerd(paths, createEnv({ log: silent })).purge();
}

/** Stops and removes all pods. A containerd that died is started once more for it: only it knows what belongs to a pod. */
async function stopPods(paths: ClusterPaths, env: Env): Promise<void> {
  const containerd = clusterContainerd(paths, env);
  await containerd.start();
  const runtime = connectRuntime({ endpoint: containerd.socket, clock: env.clock });
  try {
    const { items } = await runtime.listPodSandbox({});
    await mapConcurrent(items, CONCURRENCY, async ({ id }) => {
      const { containers } = await runtime.listContainers({ filter: { podSandboxId: id } });
      const options = { timeoutMs: STOP_TIMEOUT_MS };
      await Promise.all(
        containers.map((c) => ignoreGone(runtime.stopContainer({ containerId: c.id, timeout: 1 }, options))),
      );
      await ignoreGone(runtime.stopPodSandbox({ podSandboxId: id }, options));
      await ignoreGone(runtime.removePodSandbox({ podSandboxId: id }, options));
    });
  } finally {
    runtime.close();
  }
}

async function ignoreGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isCoded(error, "NotFound")) throw error;
  }
}

async function removeNetwork(cluster: string): Promise<void> {
  const names = networkNames(cluster);
  const tables = [names.table, serviceTable(cluster)];
  const script = tables.flatMap((table) => [`add table ip ${table}`, `delete table ip ${table}`]).join("\n");
  await systemNftables().apply(`${script}\n`);
  // Exit code 1: there is no such interface.
  await runProcess("ip", ["link", "delete", names.bridge], { okCodes: [0, 1] });
}

/** Unmounts everything below `dir`, innermost first. Whoever deletes `dir` afterwards must not reach into what is still mounted. */
async function unmountBelow(dir: string): Promise<void> {
  for (const target of mountsBelow(dir).toReversed()) await runProcess("umount", ["-l", target], { okCodes: [0, 32] });
  const [left] = mountsBelow(dir);
  if (left !== undefined)
    throw new CliError(`${left} cannot be unmounted`, { hint: "see who uses it with: fuser -vm" });
}

function mountsBelow(dir: string): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "))
    .filter((target) => target.startsWith(`${dir}/`));
}
