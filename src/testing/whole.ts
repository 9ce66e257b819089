import { generateKeyPairSync } from "node:crypto";
import { type ApiServer, createStandardApiServer, type UserInfo } from "../apiserver/index.ts";
import { createControllers } from "../controllers/index.ts";
import type { Component, TestEnv } from "../kit/index.ts";
import { createSimulatedNodes } from "../kubelet/simulated/index.ts";
import { createScheduler } from "../scheduler/index.ts";
import type { Store } from "../store/index.ts";
import type { ClusterOptions } from "./cluster.ts";

const AUTHENTICATED = "system:authenticated";
const POD_CIDR = "10.244.0.0/16";
const SERVICE_CIDR = "10.96.0.0/16";
const MANAGER = "kube-controller-manager";

/** The control plane with all its loops, every one under its own identity, and simulated nodes. */
export function wholePlane(
  options: ClusterOptions,
  store: Store,
  env: TestEnv,
): { readonly server: ApiServer; parts(): readonly Component[] } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const api = createStandardApiServer({
    store,
    env,
    serviceAccountKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    issuer: "https://kubernetes.default.svc.cluster.local",
    serviceCidrs: [SERVICE_CIDR],
    // Virtual time stands still while a request waits: what it waits for only needs its turn.
    admissionClock: {
      now: () => env.clock.now(),
      monotonic: () => env.clock.monotonic(),
      setTimer: (ms, fn) => env.clock.setTimer(ms, fn),
      sleep: () => env.clock.settle(),
    },
    ...(options.apiServer && { more: options.apiServer }),
  });
  const parts: Component[] = [api.component];
  if (options.controllers !== false) {
    const controllers = options.controllers === true || options.controllers === undefined ? ["*"] : options.controllers;
    const clientFor = (name: string) => api.clientFor(name === MANAGER ? system(name) : account(name));
    const config = { controllers, clusterCidr: [POD_CIDR], serviceCidr: [SERVICE_CIDR], namespaceDeletionDelayMs: 0 };
    parts.push(createControllers({ env, clientFor, config }));
  }
  if (options.scheduler !== false) {
    parts.push(createScheduler({ env, client: api.clientFor(system("kube-scheduler")) }));
  }
  const nodes = Array.from({ length: options.nodes ?? 1 }, (_, i) => ({ name: `node-${i + 1}` }));
  const kubelet = { name: "system:simulated-nodes", groups: ["system:masters", AUTHENTICATED] };
  if (nodes.length > 0) parts.push(createSimulatedNodes({ env, client: api.clientFor(kubelet), nodes }));
  return { server: api.server, parts: () => parts };
}

function system(name: string): UserInfo {
  return { name: `system:${name}`, groups: [AUTHENTICATED] };
}

function account(name: string): UserInfo {
  const groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system", AUTHENTICATED];
  return { name: `system:serviceaccount:kube-system:${name}`, groups };
}
