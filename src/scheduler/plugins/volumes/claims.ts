import type { corev1, storagev1 } from "../../../api/index.ts";
import { isControlledBy } from "../../../machinery/index.ts";

type Claim = corev1.PersistentVolumeClaim;

const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";
const BIND_COMPLETED = "pv.kubernetes.io/bind-completed";
/** Tells the provisioner on which node the volume will be needed. */
export const SELECTED_NODE = "volume.kubernetes.io/selected-node";

/** A volume of a pod that uses a claim, by name or made for the pod alone. */
export interface ClaimUse {
  readonly name: string;
  /** The claim belongs to the pod, which it must say. */
  readonly ephemeral: boolean;
}

/** The claims that a pod's volumes use. */
export function claimsOf({ metadata, spec }: corev1.Pod): ClaimUse[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return { name: volume.persistentVolumeClaim.claimName, ephemeral: false };
    return volume.ephemeral ? { name: `${metadata.name}-${volume.name}`, ephemeral: true } : [];
  });
}

/** Why an ephemeral volume's claim is not the pod's own, if it is not. */
export function notOwned(pod: corev1.Pod, claim: Claim): string | undefined {
  if (isControlledBy(claim, pod)) return undefined;
  const [a, b] = [claim.metadata, pod.metadata];
  return `PVC ${a.namespace}/${a.name} was not created for pod ${b.namespace}/${b.name} (pod is not owner)`;
}

/** The storage class of a claim; empty for none. */
export function classOf({ metadata, spec }: Pick<Claim, "metadata" | "spec">): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? "";
}

/** The storage class of a volume; empty for none. */
export function classOfVolume({ metadata, spec }: corev1.PersistentVolume): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? "";
}

/** Bound, and both sides know it. */
export function isFullyBound({ metadata, spec }: Claim): boolean {
  return Boolean(spec.volumeName) && metadata.annotations?.[BIND_COMPLETED] !== undefined;
}

/** Whether volumes of a class wait for a pod to need them. */
export function waitsForConsumer(storageClass: storagev1.StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer";
}
