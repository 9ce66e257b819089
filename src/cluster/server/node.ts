import type { StandardApiServer } from "../../apiserver/index.ts";
import { connectRuntime } from "../../host/cri/index.ts";
import type { Component, Env } from "../../kit/index.ts";
import { createKubelet } from "../../kubelet/index.ts";
import type { ClusterPaths } from "../lifecycle/paths.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { addressAt } from "../machine/network.ts";
import { cgroupRoot, clusterContainerd, nodePaths } from "../machine/runtime.ts";
import { ensurePause, type StockOptions, withStockImages } from "../machine/stock-images.ts";
import { SYSTEM } from "./identities.ts";
import type { Pki } from "./pki.ts";

export interface NodeOptions {
  readonly api: StandardApiServer;
  readonly paths: ClusterPaths;
  readonly spec: ClusterSpec;
  readonly pki: Pki;
  readonly nodeIP: string;
  readonly env: Env;
}

/**
 * The real node of this machine: its containerd, which starts at once and beside everything else, and the kubelet. Both
 * outlive us in what they run: containers go on.
 */
export function realNode(options: NodeOptions): Component {
  const { api, paths, spec, nodeIP, env } = options;
  const containerd = clusterContainerd(paths, env);
  const stock: StockOptions = {
    runtime: connectRuntime({ endpoint: containerd.socket, clock: env.clock, log: env.log }),
    socket: containerd.socket,
    workDir: nodePaths(paths).images,
    env,
  };
  const runtimeReady = containerd.start().then(() => ensurePause(stock));
  runtimeReady.catch(() => undefined);
  const kubelet = createKubelet({
    client: api.clientFor(SYSTEM),
    env,
    runtime: withStockImages(stock),
    nodeName: spec.nodeName,
    nodeIPs: [nodeIP],
    rootDir: nodePaths(paths).kubelet,
    tls: { ...options.pki.kubeletServer, clientCa: options.pki.authority.cert },
    config: {
      clusterDNS: [addressAt(spec.serviceCidr, 10)],
      clusterDomain: spec.clusterDomain,
      port: spec.kubeletPort,
      cgroupRoot: cgroupRoot(spec.name),
    },
  });
  return {
    name: "node",
    ready: async (signal) => {
      await runtimeReady;
      await kubelet.ready(signal);
    },
    async run(signal) {
      await runtimeReady;
      try {
        await kubelet.run(signal);
      } finally {
        stock.runtime.close();
      }
    },
  };
}
