import { type corev1, resources } from "../../../api/index.ts";
import type { InformerFactory } from "../../../client/index.ts";
import { podConfigMapNames, podSecretNames } from "../../resources/pods/references.ts";

/** A sort of object that a node has to do with because of the pods on it, or because it is about the node. */
export type Related =
  | "secret"
  | "configMap"
  | "persistentVolumeClaim"
  | "persistentVolume"
  | "volumeAttachment"
  | "serviceAccount"
  | "resourceClaim"
  | "resourceSlice"
  | "pod";

/** What the pods of each node use. */
export interface NodeRelations {
  /** Whether the node has to do with the object; `namespace` is empty for cluster-scoped ones. */
  has(node: string, kind: Related, namespace: string, name: string): boolean;
}

const MIRROR = "kubernetes.io/config.mirror";

/**
 * Follows pods, volumes, attachments and slices by informers. Pods are indexed by node and namespace: a question looks at
 * the few pods of one namespace on one node, however many there are elsewhere. Call before the factory runs.
 */
export function liveNodeRelations(informers: InformerFactory): NodeRelations {
  const pods = informers.informer(resources.pods);
  const volumes = informers.informer(resources.persistentvolumes);
  const attachments = informers.informer(resources.volumeattachments);
  const slices = informers.informer(resources.resourceslices);
  pods.addIndex("place", ({ metadata, spec }) => (spec.nodeName ? [placeKey(spec.nodeName, metadata.namespace)] : []));
  volumes.addIndex("secret", volumeSecrets);

  const uses = (node: string, namespace: string, test: (pod: corev1.Pod) => boolean): boolean => {
    for (const pod of pods.lister.byIndex("place", placeKey(node, namespace))) {
      // What a kubelet mirrors it already has: it shall not get at anything by making up pods.
      if (pod.metadata.annotations?.[MIRROR] === undefined && test(pod)) return true;
    }
    return false;
  };
  const usesClaim = (node: string, namespace: string, name: string): boolean =>
    uses(node, namespace, (pod) => claimsOf(pod).includes(name));
  const usesVolume = (node: string, { spec }: corev1.PersistentVolume): boolean => {
    const { namespace = "", name = "" } = spec.claimRef ?? {};
    return name !== "" && usesClaim(node, namespace, name);
  };

  const tests: Readonly<Record<Related, (node: string, namespace: string, name: string) => boolean>> = {
    secret(node, namespace, name) {
      if (uses(node, namespace, (pod) => podSecretNames(pod.spec).includes(name))) return true;
      for (const volume of volumes.lister.byIndex("secret", `${namespace}/${name}`)) {
        if (usesVolume(node, volume)) return true;
      }
      return false;
    },
    configMap: (node, namespace, name) => uses(node, namespace, (pod) => podConfigMapNames(pod.spec).includes(name)),
    serviceAccount: (node, namespace, name) => uses(node, namespace, (pod) => pod.spec.serviceAccountName === name),
    persistentVolumeClaim: usesClaim,
    persistentVolume(node, _, name) {
      const volume = volumes.lister.get(name);
      return volume !== undefined && usesVolume(node, volume);
    },
    resourceClaim: (node, namespace, name) => uses(node, namespace, (pod) => resourceClaimsOf(pod).includes(name)),
    volumeAttachment: (node, _, name) => attachments.lister.get(name)?.spec.nodeName === node,
    resourceSlice: (node, _, name) => slices.lister.get(name)?.spec.nodeName === node,
    pod: (node, namespace, name) => pods.lister.get(`${namespace}/${name}`)?.spec.nodeName === node,
  };
  return { has: (node, kind, namespace, name) => tests[kind](node, namespace, name) };
}

function placeKey(node: string, namespace: string): string {
  return `${node} ${namespace}`;
}

/** Named claims, and those made for the pod. */
function claimsOf({ metadata, spec }: corev1.Pod): string[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral ? [`${metadata.name}-${volume.name}`] : [];
  });
}

function resourceClaimsOf({ spec, status }: corev1.Pod): (string | undefined)[] {
  const made = new Map((status.resourceClaimStatuses ?? []).map((claim) => [claim.name, claim.resourceClaimName]));
  return [
    ...(spec.resourceClaims ?? []).map((claim) => claim.resourceClaimName ?? made.get(claim.name)),
    status.extendedResourceClaimStatus?.resourceClaimName,
  ];
}

/** The secrets that a kubelet needs to mount a volume, as `namespace/name`. */
function volumeSecrets({ spec }: corev1.PersistentVolume): string[] {
  const claimed = spec.claimRef?.namespace ?? "";
  if (!spec.claimRef) return [];
  const { azureFile, csi, cinder, storageos } = spec;
  const refs = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace || claimed },
    ...[spec.cephfs, spec.flexVolume, spec.rbd, spec.scaleIO, spec.iscsi].map(
      (source) => source?.secretRef && { ...source.secretRef, namespace: source.secretRef.namespace || claimed },
    ),
    ...[cinder, storageos].map((source) => source?.secretRef),
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  return refs.flatMap((ref) => (ref?.name ? [`${ref.namespace ?? ""}/${ref.name}`] : []));
}
