import type { corev1, storagev1 } from "../../api/index.ts";
import { parseTime } from "../../machinery/index.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";
const DEFAULT_MARKS = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

/** The storage class of a claim or volume; empty for none. */
export function classOf({ metadata, spec }: Claim | Volume): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? "";
}

/** Whether the claim says which class it wants, be it none. */
export function hasClass({ metadata, spec }: Claim): boolean {
  return metadata.annotations?.[BETA_CLASS] !== undefined || spec.storageClassName !== undefined;
}

/** The class for claims that do not say; of several the newest. */
export function defaultClass(classes: Iterable<storagev1.StorageClass>): storagev1.StorageClass | undefined {
  let found: storagev1.StorageClass | undefined;
  for (const candidate of classes) {
    const marked = DEFAULT_MARKS.some((mark) => candidate.metadata.annotations?.[mark] === "true");
    if (marked && (found === undefined || isPreferred(candidate, found))) found = candidate;
  }
  return found;
}

function isPreferred(a: storagev1.StorageClass, b: storagev1.StorageClass): boolean {
  const [x, y] = [parseTime(a.metadata.creationTimestamp), parseTime(b.metadata.creationTimestamp)];
  return x === y ? a.metadata.name < b.metadata.name : x > y;
}

/** `namespace/name` of the claim that a volume is bound to or kept for. */
export function claimKeyOf({ spec }: Volume): string | undefined {
  return spec.claimRef === undefined ? undefined : `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}`;
}

/** Whether the claim was made for an ephemeral volume of the pod. */
export function isClaimFor({ metadata }: Claim, pod: corev1.Pod): boolean {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return owner?.uid === pod.metadata.uid && metadata.namespace === pod.metadata.namespace;
}
