import type { corev1, Draft } from "../api/index.ts";

/** A node with 4 cpus, 8 GiB and room for 110 pods. */
export function node(name: string, more: Partial<Draft<corev1.Node>> = {}): Draft<corev1.Node> {
  return {
    spec: {},
    ...more,
    metadata: { name, ...more.metadata },
    status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" }, ...more.status } as corev1.NodeStatus,
  };
}

/** A pod with one container that asks for `requests`. */
export function pod(
  name: string,
  spec: Partial<Draft<corev1.PodSpec>> = {},
  requests: Record<string, string> = { cpu: "100m", memory: "64Mi" },
  labels: Record<string, string> = {},
): Draft<corev1.Pod> {
  return {
    metadata: { name, namespace: "default", labels },
    spec: { containers: [{ name: "c", image: "app", resources: { requests } }], ...spec } as corev1.PodSpec,
  };
}
