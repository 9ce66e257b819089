import { createStandardApiServer, type StandardApiServer } from "../../apiserver/index.ts";
import { type Component, type Env, isCoded } from "../../kit/index.ts";
import type { Store } from "../../store/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { addressAt } from "../machine/network.ts";
import type { Pki } from "./pki.ts";

/** The API server as this cluster has it. */
export function apiServerOf(spec: ClusterSpec, pki: Pki, nodeIP: string, store: Store, env: Env): StandardApiServer {
  return createStandardApiServer({
    store,
    env,
    serviceAccountKey: pki.serviceAccountKey,
    issuer: `https://kubernetes.default.svc.${spec.clusterDomain}`,
    serviceCidrs: [spec.serviceCidr],
    more: { kubelet: kubeletPapers(pki) },
    advertise: { address: nodeIP, port: spec.apiPort, serviceIP: addressAt(spec.serviceCidr, 1) },
  });
}

/** What kubelets are shown, made when the first one is called. */
function kubeletPapers(pki: Pki): { readonly ca: string; readonly cert: string; readonly key: string } {
  return {
    ca: pki.authority.cert,
    get cert() {
      return pki.kubeletClient.cert;
    },
    get key() {
      return pki.kubeletClient.key;
    },
  };
}

/** As upstream reads it: all interfaces and both address families. */
const EVERYWHERE = "0.0.0.0";

/** Serves the API on the network. Never stops by itself: it goes with the server. */
export function listener(api: StandardApiServer, spec: ClusterSpec, pki: Pki): Component {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    name: "listener",
    ready: () => promise,
    async run() {
      try {
        await api.server.listen({
          ...(spec.apiAddress !== EVERYWHERE && { host: spec.apiAddress }),
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
