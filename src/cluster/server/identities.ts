import type { UserInfo } from "../../apiserver/index.ts";

const AUTHENTICATED = "system:authenticated";

/** A component with an identity of its own, such as `system:kube-scheduler`. */
export function componentUser(name: string): UserInfo {
  return { name: `system:${name}`, groups: [AUTHENTICATED] };
}

/** A controller's service account. */
export function controllerUser(name: string): UserInfo {
  return {
    name: `system:serviceaccount:kube-system:${name}`,
    groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", AUTHENTICATED],
  };
}

/** A node: what its kubelet may do is the Node authorizer's matter. */
export function nodeUser(name: string): UserInfo {
  return { name: `system:node:${name}`, groups: ["system:nodes", AUTHENTICATED] };
}

/** The cluster's own machinery on a node of this process, where upstream runs pods with wide rights. */
export const SYSTEM: UserInfo = { name: "system:k8ts", groups: ["system:masters", AUTHENTICATED] };
