import type { corev1 } from "../../api/index.ts";

/** The node's condition of `type`. */
export function nodeCondition(node: corev1.Node, type: string): corev1.NodeCondition | undefined {
  return node.status.conditions?.find((condition) => condition.type === type);
}

/** Whether the node's Ready condition is True. */
export function isNodeReady(node: corev1.Node): boolean {
  return nodeCondition(node, "Ready")?.status === "True";
}

/** Names the region and zone of a node; empty when it has neither. Nodes of one name fail together. */
export function zoneKey(node: corev1.Node): string {
  const labels = node.metadata.labels ?? {};
  const zone = labels["failure-domain.beta.kubernetes.io/zone"] ?? labels["topology.kubernetes.io/zone"] ?? "";
  const region = labels["failure-domain.beta.kubernetes.io/region"] ?? labels["topology.kubernetes.io/region"] ?? "";
  return zone === "" && region === "" ? "" : `${region}:\0:${zone}`;
}
