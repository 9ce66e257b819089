import type { corev1, storagev1 } from "../../../api/index.ts";
import { accessModes, age, type Cells } from "./words.ts";

const OLD_CLASS = "volume.beta.kubernetes.io/storage-class";
const IS_DEFAULT = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

function phaseOf(object: { metadata: { deletionTimestamp?: string }; status: { phase?: string } }): string {
  return object.metadata.deletionTimestamp === undefined ? (object.status.phase ?? "") : "Terminating";
}

function classOf(object: {
  metadata: { annotations?: Record<string, string> };
  spec: { storageClassName?: string };
}): string {
  return object.metadata.annotations?.[OLD_CLASS] ?? object.spec.storageClassName ?? "";
}

/** `persistentvolumes`. */
export const persistentVolumeCells: Cells<corev1.PersistentVolume> = (pv, now) => [
  pv.metadata.name,
  pv.spec.capacity?.["storage"] ?? "0",
  accessModes(pv.spec.accessModes),
  pv.spec.persistentVolumeReclaimPolicy ?? "",
  phaseOf(pv),
  pv.spec.claimRef ? `${pv.spec.claimRef.namespace ?? ""}/${pv.spec.claimRef.name ?? ""}` : "",
  classOf(pv),
  pv.spec.volumeAttributesClassName ?? "<unset>",
  pv.status.reason ?? "",
  age(pv, now),
  pv.spec.volumeMode ?? "<unset>",
];

/** `persistentvolumeclaims`. */
export const persistentVolumeClaimCells: Cells<corev1.PersistentVolumeClaim> = (pvc, now) => {
  const bound = Boolean(pvc.spec.volumeName);
  return [
    pvc.metadata.name,
    phaseOf(pvc),
    pvc.spec.volumeName ?? "",
    bound ? (pvc.status.capacity?.["storage"] ?? "0") : "",
    bound ? accessModes(pvc.status.accessModes) : "",
    classOf(pvc),
    pvc.spec.volumeAttributesClassName ?? "<unset>",
    age(pvc, now),
    pvc.spec.volumeMode ?? "<unset>",
  ];
};

/** `storageclasses.storage.k8s.io`. */
export const storageClassCells: Cells<storagev1.StorageClass> = (sc, now) => {
  const isDefault = IS_DEFAULT.some((key) => sc.metadata.annotations?.[key] === "true");
  return [
    isDefault ? `${sc.metadata.name} (default)` : sc.metadata.name,
    sc.provisioner,
    sc.reclaimPolicy ?? "Delete",
    sc.volumeBindingMode ?? "Immediate",
    sc.allowVolumeExpansion ?? false,
    age(sc, now),
  ];
};

/** `volumeattributesclasses.storage.k8s.io`. */
export const volumeAttributesClassCells: Cells<storagev1.VolumeAttributesClass> = (vac, now) => [
  vac.metadata.name,
  vac.driverName,
  age(vac, now),
];

/** `volumeattachments.storage.k8s.io`. */
export const volumeAttachmentCells: Cells<storagev1.VolumeAttachment> = (va, now) => [
  va.metadata.name,
  va.spec.attacher,
  va.spec.source.persistentVolumeName ?? "",
  va.spec.nodeName,
  va.status.attached,
  age(va, now),
];

/** `csinodes.storage.k8s.io`. */
export const csiNodeCells: Cells<storagev1.CSINode> = (node, now) => [
  node.metadata.name,
  node.spec.drivers?.length ?? 0,
  age(node, now),
];

/** `csidrivers.storage.k8s.io`. */
export const csiDriverCells: Cells<storagev1.CSIDriver> = ({ metadata, spec }, now) => [
  metadata.name,
  spec.attachRequired ?? true,
  spec.podInfoOnMount ?? false,
  spec.storageCapacity ?? false,
  spec.tokenRequests ? spec.tokenRequests.map((t) => t.audience).join(",") : "<unset>",
  spec.requiresRepublish ?? false,
  (spec.volumeLifecycleModes ?? []).join(",") || "<none>",
  age({ metadata }, now),
];
