import type { corev1, storagev1 } from "../../../api/index.ts";
import { Quantity, selectorFrom } from "../../../machinery/index.ts";
import { nodeSelector } from "../../cache/node-selector.ts";
import { classOf, classOfVolume } from "./claims.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

/** Whether a volume can be used on a node, by its node affinity. */
export function reachable({ spec }: Volume, node: corev1.Node): boolean {
  const required = spec.nodeAffinity?.required;
  return !required || nodeSelector(required).matches(node);
}

/** Bytes that are asked for, or there. */
export function storageOf(list: Readonly<Record<string, string>> | undefined): Quantity {
  return Quantity.tryParse(list?.["storage"] ?? "0") ?? Quantity.zero;
}

/** Whether a volume was meant for a claim: by name, and by UID where it has one. */
export function isMeantFor({ spec }: Volume, { metadata }: Claim): boolean {
  const ref = spec.claimRef;
  if (!ref || ref.name !== metadata.name || ref.namespace !== metadata.namespace) return false;
  return !ref.uid || ref.uid === metadata.uid;
}

/**
 * The volume for a claim on a node: the one that was meant for it, else the smallest that will do. `taken` are out of the question.
 * Throws for a selector that is none.
 */
export function findVolume(
  claim: Claim,
  volumes: Iterable<Volume>,
  node: corev1.Node,
  taken: ReadonlySet<string>,
): Volume | undefined {
  const wanted = storageOf(claim.spec.resources?.requests);
  const selector = claim.spec.selector && selectorFrom(claim.spec.selector);
  const className = classOf(claim);
  let best: Volume | undefined;
  let bestSize: Quantity | undefined;
  for (const volume of volumes) {
    if (taken.has(volume.metadata.name) || volume.metadata.deletionTimestamp !== undefined) continue;
    const meant = isMeantFor(volume, claim);
    if (volume.spec.claimRef && !meant) continue;
    const size = storageOf(volume.spec.capacity);
    if (size.cmp(wanted) < 0 || !sameKind(claim, volume)) continue;
    if (meant) return reachable(volume, node) ? volume : undefined;
    if (volume.status?.phase !== "Available" || classOfVolume(volume) !== className) continue;
    if (selector && !selector.matches(volume.metadata.labels)) continue;
    if (bestSize && bestSize.cmp(size) <= 0) continue;
    if (!allows(volume, claim) || !reachable(volume, node)) continue;
    [best, bestSize] = [volume, size];
  }
  return best;
}

function sameKind({ spec: claim }: Claim, { spec: volume }: Volume): boolean {
  return (
    (claim.volumeMode ?? "Filesystem") === (volume.volumeMode ?? "Filesystem") &&
    (claim.volumeAttributesClassName ?? "") === (volume.volumeAttributesClassName ?? "")
  );
}

function allows({ spec: volume }: Volume, { spec: claim }: Claim): boolean {
  return (claim.accessModes ?? []).every((mode) => volume.accessModes?.includes(mode));
}

/** Whether a class may provision for a node. */
export function allowsTopology({ allowedTopologies }: storagev1.StorageClass, node: corev1.Node): boolean {
  if (!allowedTopologies?.length) return true;
  const labels = node.metadata.labels ?? {};
  return allowedTopologies.some(({ matchLabelExpressions }) => {
    if (!matchLabelExpressions?.length) return false;
    return matchLabelExpressions.every(({ key, values }) => key in labels && values.includes(labels[key] as string));
  });
}

/** The largest volume that a capacity object promises; undefined for none. */
export function volumeLimit({ maximumVolumeSize, capacity }: storagev1.CSIStorageCapacity): Quantity | undefined {
  const text = maximumVolumeSize ?? capacity;
  return text === undefined ? undefined : Quantity.tryParse(text);
}

/** Whether capacity of `size` is promised where the node can reach it. */
export function hasCapacity(
  capacity: storagev1.CSIStorageCapacity,
  className: string,
  size: Quantity,
  node: corev1.Node,
): boolean {
  if (capacity.storageClassName !== className || !capacity.nodeTopology) return false;
  const limit = volumeLimit(capacity);
  return (
    limit !== undefined && limit.cmp(size) >= 0 && selectorFrom(capacity.nodeTopology).matches(node.metadata.labels)
  );
}
