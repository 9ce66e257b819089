import { createStandardApiServer, type StandardApiServer } from "../../apiserver/index.ts";
import { createControllers } from "../../controllers/index.ts";
import { type Component, type Env, isCoded } from "../../kit/index.ts";
import { createScheduler } from "../../scheduler/index.ts";
import type { Store } from "../../store/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { addressAt } from "../machine/network.ts";
import { componentUser, controllerUser } from "./identities.ts";
import type { Pki } from "./pki.ts";

/** The API server as this cluster has it. */
export function apiServerOf(spec: ClusterSpec, pki: Pki, nodeIP: string, store: Store, env: Env): StandardApiServer {
  return createStandardApiServer({
    store,
    env,
    serviceAccountKey: pki.serviceAccountKey,
    issuer: `https://kubernetes.default.svc.${spec.clusterDomain}`,
    serviceCidrs: [spec.serviceCidr],
    more: { kubelet: { ca: pki.authority.cert, ...pki.kubeletClient } },
    advertise: { address: nodeIP, port: spec.apiPort, serviceIP: addressAt(spec.serviceCidr, 1) },
  });
}

/** Serves the API on the network. Never stops by itself: it goes with the server. */
export function listener(api: StandardApiServer, spec: ClusterSpec, pki: Pki): Component {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    name: "listener",
    ready: () => promise,
    async run() {
      try {
        await api.server.listen({
          host: spec.apiAddress,
          port: spec.apiPort,
          ...pki.apiServer,
          clientCa: pki.authority.cert,
          frontProxyCa: pki.frontProxyAuthority.cert,
        });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE" && !isCoded(cause, "AddressInUse")) throw cause;
        throw new CliError(`port ${spec.apiPort} is taken by another process`, {
          hint: `free it (see who has it with: ss -ltnp sport = :${spec.apiPort}), then: k8ts start --name ${spec.name}`,
          cause,
        });
      }
      resolve();
    },
  };
}

/** kube-scheduler. It binds volumes too, which upstream gives it a second role for. */
export function schedulerOf(api: StandardApiServer, env: Env): Component {
  return createScheduler({ client: api.clientFor(componentUser("kube-scheduler")), env });
}

/** kube-controller-manager's loops. */
export function controllersOf(api: StandardApiServer, spec: ClusterSpec, pki: Pki, env: Env): Component {
  return createControllers({
    env,
    clientFor: (name) => api.clientFor(name === "kube-controller-manager" ? componentUser(name) : controllerUser(name)),
    rootCa: pki.authority.cert,
    // One API server: a namespace's end is seen at once.
    config: { clusterCidr: [spec.podCidr], serviceCidr: [spec.serviceCidr], namespaceDeletionDelayMs: 0 },
  });
}
