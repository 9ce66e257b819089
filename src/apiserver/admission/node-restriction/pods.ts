import { type corev1, resources } from "../../../api/index.ts";
import { deepEqual, notFound } from "../../../machinery/index.ts";
import { podConfigMapNames, podSecretNames } from "../../resources/pods/references.ts";
import { isMirrorPod, MIRROR_POD, podOf, refusal } from "../common.ts";
import type { NodeWrite } from "./write.ts";

/** Kubelets create only mirrors of pods that they got from elsewhere, and delete only pods of their own node. */
export async function restrictPod({ request, node, lookup }: NodeWrite): Promise<void> {
  const who = `node ${JSON.stringify(node)}`;
  if (request.operation === "DELETE") {
    const pod = await lookup.get(resources.pods, request.name, request.namespace);
    if (!pod) throw notFound(resources.pods, request.name);
    if (pod.spec.nodeName === node) return;
    throw refusal(request, `${who} can only delete pods with spec.nodeName set to itself`);
  }
  if (request.operation !== "CREATE") {
    const what = `unexpected operation ${JSON.stringify(request.operation)}`;
    throw refusal(request, `${what}, ${who} can only create and delete mirror pods`);
  }
  const pod = podOf(request);
  if (!isMirrorPod(pod)) {
    const what = `pod does not have ${JSON.stringify(MIRROR_POD)} annotation`;
    throw refusal(request, `${what}, ${who} can only create mirror pods`);
  }
  if (pod.spec.nodeName !== node) {
    throw refusal(request, `${who} can only create pods with spec.nodeName set to itself`);
  }
  const complaint = ownerComplaint(pod, node);
  if (complaint) throw refusal(request, complaint);
  const uid = (await lookup.get(resources.nodes, node))?.metadata.uid;
  if (uid === undefined) throw notFound(resources.nodes, node);
  const given = pod.metadata.ownerReferences?.[0]?.uid ?? "";
  if (given !== uid) throw refusal(request, `node ${node} UID mismatch: expected ${given} got ${uid}`);
  const reference = referenceOf(pod.spec);
  if (reference) throw refusal(request, `${who} can not create pods that reference ${reference}`);
}

function ownerComplaint(pod: corev1.Pod, node: string): string | undefined {
  const owners = pod.metadata.ownerReferences ?? [];
  const [owner] = owners;
  const only = `node ${JSON.stringify(node)} can only create pods with`;
  if (owners.length > 1) return `${only} a single owner reference set to itself`;
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) {
    return `${only} an owner reference set to itself`;
  }
  if (!owner.controller) return `${only} a controller owner reference set to itself`;
  return owner.blockOwnerDeletion
    ? `node ${JSON.stringify(node)} must not set blockOwnerDeletion on an owner reference`
    : undefined;
}

/** Projected sources that need the API, with how a refusal calls them. */
const SOURCES: readonly (readonly [field: keyof corev1.VolumeProjection, what: string])[] = [
  ["configMap", "configmaps (via projected volumes)"],
  ["secret", "secrets (via projected volumes)"],
  ["serviceAccountToken", "serviceaccounts (via projected volumes)"],
  ["clusterTrustBundle", "clustertrustbundles"],
  ["podCertificate", "podcertificates"],
];
const VOLUMES: readonly (readonly [field: keyof corev1.Volume, what: string])[] = [
  ["configMap", "configmaps (via configmap volumes)"],
  ["secret", "secrets (via secret volumes)"],
  ["csi", "csidrivers (via CSI volumes)"],
  ["glusterfs", "endpoints (via glusterFS volumes)"],
  ["persistentVolumeClaim", "persistentvolumeclaims"],
  ["ephemeral", "persistentvolumeclaims (via ephemeral volumes)"],
  ["azureFile", "secrets (via azureFile volumes)"],
];

/** Objects of the API that a pod refers to: then a node could read them by making up a pod. */
function referenceOf(spec: corev1.PodSpec): string | undefined {
  if (spec.serviceAccountName) return "serviceaccounts";
  if (podSecretNames(spec).length > 0) return "secrets";
  if (podConfigMapNames(spec).length > 0) return "configmaps";
  if ((spec.resourceClaims ?? []).length > 0) return "resourceclaims";
  for (const volume of spec.volumes ?? []) {
    const own = VOLUMES.find(([field]) => volume[field] !== undefined)?.[1];
    if (own) return own;
    for (const source of volume.projected?.sources ?? []) {
      const projected = SOURCES.find(([field]) => source[field] !== undefined)?.[1];
      if (projected) return projected;
    }
  }
  return undefined;
}

/** Kubelets report on pods of their own node, and change nothing else by it. */
export function restrictPodStatus({ request, node }: NodeWrite): void {
  const who = `node ${JSON.stringify(node)}`;
  if (request.operation !== "UPDATE") {
    throw refusal(request, `unexpected operation ${JSON.stringify(request.operation)}`);
  }
  const [pod, old] = [podOf(request), request.oldObject as unknown as corev1.Pod];
  if (old.spec.nodeName !== node) {
    throw refusal(request, `${who} can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!deepEqual(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) {
    throw refusal(request, `${who} cannot update labels through pod status`);
  }
  const [next, before] = [pod.status, old.status];
  if (!deepEqual(next.resourceClaimStatuses ?? [], before.resourceClaimStatuses ?? [])) {
    throw refusal(request, `${who} cannot update resource claim statues`);
  }
  if (!deepEqual(next.extendedResourceClaimStatus, before.extendedResourceClaimStatus)) {
    throw refusal(request, `${who} cannot update extended resource claim status`);
  }
}

/** Kubelets evict pods of their own node only. */
export async function restrictEviction({ request, node, lookup }: NodeWrite): Promise<void> {
  if (request.operation !== "CREATE") throw refusal(request, `unexpected operation ${request.operation}`);
  const name = request.name || (request.object?.metadata.name ?? "");
  if (name === "") throw refusal(request, "could not determine pod from request data");
  const pod = await lookup.get(resources.pods, name, request.namespace);
  if (!pod) throw notFound(resources.pods, name);
  if (pod.spec.nodeName === node) return;
  throw refusal(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
}
