import type { corev1 } from "../../../api/index.ts";
import { semanticEqual } from "../../../machinery/index.ts";
import { describeDiff } from "../../resources/common/diff.ts";
import { refusal } from "../common.ts";
import type { NodeWrite } from "./write.ts";

/** A kubelet writes its own node only, and not what others decide by: taints, owners and most of Kubernetes' labels. */
export function restrictNode({ request, node }: NodeWrite): void {
  const who = `node ${JSON.stringify(node)}`;
  if (request.name !== node) {
    throw refusal(request, `${who} is not allowed to modify node ${JSON.stringify(request.name)}`);
  }
  const next = request.object as unknown as corev1.Node;
  const labels = request.operation === "DELETE" ? undefined : next.metadata.labels;
  if (request.operation === "CREATE") {
    if (next.spec.configSource) {
      throw refusal(request, `${who} is not allowed to create pods with a non-nil configSource`);
    }
    const forbidden = forbiddenLabels(labels, {});
    if (forbidden.length > 0) {
      throw refusal(request, `${who} is not allowed to set the following labels: ${forbidden.join(", ")}`);
    }
  }
  if (request.operation !== "UPDATE") return;
  const old = request.oldObject as unknown as corev1.Node;
  if (next.spec.configSource && !semanticEqual(next.spec.configSource, old.spec.configSource)) {
    throw refusal(request, `${who} is not allowed to update configSource to a new non-nil configSource`);
  }
  if (!semanticEqual(next.spec.taints, old.spec.taints)) {
    throw refusal(request, `${who} is not allowed to modify taints`);
  }
  if (!semanticEqual(next.metadata.ownerReferences, old.metadata.ownerReferences)) {
    throw refusal(request, `${who} is not allowed to modify ownerReferences`);
  }
  const forbidden = forbiddenLabels(labels, old.metadata.labels);
  if (forbidden.length > 0) throw refusal(request, `is not allowed to modify labels: ${forbidden.join(", ")}`);
}

/** Labels of Kubernetes' own that a kubelet may set. */
const KUBELET_LABELS = new Set([
  "kubernetes.io/hostname",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
]);
const KUBELET_DOMAINS = ["kubelet.kubernetes.io", "node.kubernetes.io"];
const RESTRICTED_DOMAIN = "node-restriction.kubernetes.io";

type Labels = Readonly<Record<string, string>>;

function forbiddenLabels(next: Labels = {}, old: Labels = {}): string[] {
  const changed = [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((key) => next[key] !== old[key]);
  return changed.filter(isForbidden).toSorted();
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf("/");
  const domain = slash === -1 ? "" : key.slice(0, slash);
  const below = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (below(RESTRICTED_DOMAIN)) return true;
  const isKubernetes = below("kubernetes.io") || below("k8s.io");
  return isKubernetes && !KUBELET_LABELS.has(key) && !KUBELET_DOMAINS.some(below);
}

/** Kubelets report how far a claim's volume has grown, and nothing else of it. */
export function restrictClaimStatus({ request, node }: NodeWrite): void {
  if (request.subresource !== "status") throw refusal(request, "may only update PVC status");
  if (request.operation !== "UPDATE") {
    throw refusal(request, `unexpected operation ${JSON.stringify(request.operation)}`);
  }
  const [next, old] = [fixedPart(request.object), fixedPart(request.oldObject)];
  if (semanticEqual(next, old)) return;
  const words = "is not allowed to update fields other than status.quantity and status.conditions";
  throw refusal(request, `node ${JSON.stringify(node)} ${words}: ${describeDiff(old, next)}`);
}

/** All of a claim but what its kubelet may change. */
function fixedPart(object: unknown): object {
  const { metadata, status, ...rest } = object as corev1.PersistentVolumeClaim;
  const { resourceVersion: _1, managedFields: _2, ...kept } = metadata;
  const { capacity: _3, conditions: _4, allocatedResources: _5, allocatedResourceStatuses: _6, ...fixed } = status;
  return { ...rest, metadata: kept, status: fixed };
}
