import type { corev1 } from "../../../api/index.ts";

type Service = corev1.Service;

/** A service without an address of its own. */
export function isHeadless({ spec }: Service): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === "None";
}

/** Whether the type calls for a cluster IP. */
export function needsClusterIp({ spec }: Service): boolean {
  return spec.type !== "ExternalName";
}

/** Whether the type calls for node ports. */
export function needsNodePort({ spec }: Service): boolean {
  return spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}

/** Whether load balancers ask each node if it has endpoints. */
export function needsHealthCheck({ spec }: Service): boolean {
  return spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
}

/** Whether traffic from outside the cluster may come. */
export function isExternallyAccessible({ spec }: Service): boolean {
  return (
    spec.type === "LoadBalancer" ||
    spec.type === "NodePort" ||
    (spec.type === "ClusterIP" && (spec.externalIPs?.length ?? 0) > 0)
  );
}

/** Whether two lists hold the same, in the same order; absent is empty. */
export function sameList(a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean {
  const [left, right] = [a ?? [], b ?? []];
  return left.length === right.length && left.every((value, i) => value === right[i]);
}
