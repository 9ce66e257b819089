import { createHash } from "node:crypto";
import { join } from "node:path";
import { connectRuntime } from "../../host/cri/index.ts";
import { STOCK_IMAGES } from "../../host/images/index.ts";
import { type Containerd, createContainerd } from "../../host/process/index.ts";
import type { Env } from "../../kit/index.ts";
import type { NetworkNames } from "../../network/index.ts";
import type { ClusterPaths } from "../lifecycle/paths.ts";

const PROBE_TIMEOUT_MS = 5_000;

/** Folders of the real node below the cluster's own. */
export interface NodePaths {
  readonly kubelet: string;
  readonly containerd: string;
  readonly cniConf: string;
  readonly cniData: string;
  readonly images: string;
}

export function nodePaths(paths: ClusterPaths): NodePaths {
  return {
    kubelet: join(paths.node, "kubelet"),
    containerd: join(paths.node, "containerd"),
    cniConf: join(paths.node, "cni"),
    cniData: join(paths.node, "cni-data"),
    images: join(paths.node, "images"),
  };
}

/** The cluster's own containerd: nothing of it is shared with one that the machine may run besides. */
export function clusterContainerd(paths: ClusterPaths, env: Env): Containerd {
  const node = nodePaths(paths);
  return createContainerd(
    {
      dir: node.containerd,
      stateDir: join(paths.run, "containerd"),
      sandboxImage: STOCK_IMAGES.pause,
      cniConfDir: node.cniConf,
      probe: (socket) => answers(socket, env),
    },
    env,
  );
}

/** Resolves when the socket answers CRI. */
async function answers(socket: string, env: Env): Promise<void> {
  const runtime = connectRuntime({ endpoint: socket, clock: env.clock });
  try {
    await runtime.version({}, { timeoutMs: PROBE_TIMEOUT_MS });
  } finally {
    runtime.close();
  }
}

/** What a cluster's network is called on the machine. Interface names have at most 15 characters, so long names are hashed. */
export function networkNames(cluster: string): NetworkNames {
  const short = cluster.length <= 10 ? cluster : createHash("sha256").update(cluster).digest("hex").slice(0, 10);
  return { bridge: `k8ts-${short}`, table: `k8ts-${cluster}-pods` };
}

/** The control group below which a cluster's pods are, in every hierarchy: its own, so that clusters do not count as one. */
export function cgroupRoot(cluster: string): string {
  return `/k8ts-${cluster}`;
}

/** The nftables table with a cluster's Service rules. */
export function serviceTable(cluster: string): string {
  return `k8ts-${cluster}-services`;
}
