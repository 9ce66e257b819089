import type { corev1 } from "../../api/index.ts";
import { Quantity, selectorFrom } from "../../machinery/index.ts";
import { classOf } from "../common/volumes.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

/** Whether the volume is bound to the claim, or kept for one of its name. */
export function isFor({ spec: { claimRef } }: Volume, { metadata }: Claim): boolean {
  if (claimRef === undefined || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) {
    return false;
  }
  return !claimRef.uid || claimRef.uid === metadata.uid;
}

/** Whether claim and volume disagree about being a file system or a block device. */
export function modesDiffer(claim: Claim, volume: Volume): boolean {
  return (claim.spec.volumeMode ?? "Filesystem") !== (volume.spec.volumeMode ?? "Filesystem");
}

function attributesDiffer(claim: Claim, volume: Volume): boolean {
  return (claim.spec.volumeAttributesClassName ?? "") !== (volume.spec.volumeAttributesClassName ?? "");
}

function canBeUsedAs(claim: Claim, volume: Volume): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode) === true);
}

function sizeOf({ spec }: Volume): Quantity {
  return Quantity.parse(spec.capacity?.["storage"] ?? "0");
}

function requestOf({ spec }: Claim): Quantity {
  return Quantity.parse(spec.resources?.requests?.["storage"] ?? "0");
}

/** Why the volume cannot serve a claim that names it; `undefined` when it can. */
export function mismatch(claim: Claim, volume: Volume): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) {
    return `the volume is marked for deletion "${volume.metadata.name}"`;
  }
  if (sizeOf(volume).cmp(requestOf(claim)) < 0) return "requested PV is too small";
  if (classOf(volume) !== classOf(claim)) return "storageClassName does not match";
  if (attributesDiffer(claim, volume)) return "volumeAttributesClassName does not match";
  if (modesDiffer(claim, volume)) return "incompatible volumeMode";
  if (!canBeUsedAs(claim, volume)) return "incompatible accessMode";
  return undefined;
}

/**
 * The volume for a claim that names none: the one kept for it, or else (unless the claim waits for its first consumer) an available one
 * that can do no more than it must and is no larger than it must be.
 */
export function bestVolume(claim: Claim, candidates: Iterable<Volume>, waits: boolean): Volume | undefined {
  const request = requestOf(claim);
  const selector = claim.spec.selector === undefined ? undefined : selectorFrom(claim.spec.selector);
  let best: Volume | undefined;
  for (const volume of candidates) {
    const { metadata, spec, status } = volume;
    if (spec.claimRef !== undefined && !isFor(volume, claim)) continue;
    if (metadata.deletionTimestamp !== undefined || sizeOf(volume).cmp(request) < 0) continue;
    if (modesDiffer(claim, volume) || attributesDiffer(claim, volume) || !canBeUsedAs(claim, volume)) continue;
    if (isFor(volume, claim)) return volume;
    if (waits || status.phase !== "Available" || classOf(volume) !== classOf(claim)) continue;
    if (selector?.matches(metadata.labels) === false) continue;
    if (best === undefined || isPlainer(volume, best)) best = volume;
  }
  return best;
}

function isPlainer(a: Volume, b: Volume): boolean {
  const [x, y] = [a.spec.accessModes?.length ?? 0, b.spec.accessModes?.length ?? 0];
  return x === y ? sizeOf(a).cmp(sizeOf(b)) < 0 : x < y;
}
