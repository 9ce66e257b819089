import type { StandardApiServer } from "../../apiserver/index.ts";
import { createControllers } from "../../controllers/index.ts";
import type { Component, Env } from "../../kit/index.ts";
import { createScheduler } from "../../scheduler/index.ts";
import type { ClusterSpec } from "../lifecycle/spec.ts";
import { componentUser, controllerUser } from "./identities.ts";
import type { Pki } from "./pki.ts";

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
