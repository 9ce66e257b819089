import type { corev1 } from "../../api/index.ts";
import { deepEqual, Quantity } from "../../machinery/index.ts";
import { isFor } from "./match.ts";
import { BIND_COMPLETED, BOUND_BY_CONTROLLER } from "./plan.ts";

type Claim = corev1.PersistentVolumeClaim;
type Volume = corev1.PersistentVolume;

/** The size that a claim's file system has until the node has grown it. */
const SIZE_BEFORE = "volume.alpha.kubernetes.io/pre-resize-capacity";

/** The volume with a reference to the claim; the same object when it has it. */
export function boundVolume(volume: Volume, claim: Claim): Volume {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const { claimRef } = volume.spec;
  const refers = claimRef?.name === name && claimRef.namespace === namespace && claimRef.uid === uid;
  const marked = isFor(volume, claim) || volume.metadata.annotations?.[BOUND_BY_CONTROLLER] !== undefined;
  if (refers && marked) return volume;
  const reference = { kind: "PersistentVolumeClaim", namespace, name, uid, apiVersion: "v1", resourceVersion };
  const annotations = { ...volume.metadata.annotations, ...(marked ? {} : { [BOUND_BY_CONTROLLER]: "yes" }) };
  return {
    ...volume,
    metadata: marked ? volume.metadata : { ...volume.metadata, annotations },
    spec: refers ? volume.spec : { ...volume.spec, claimRef: reference },
  };
}

/** The volume without its claim or, where a user tied it to the claim's name, kept for that name. */
export function unboundVolume(volume: Volume): Volume {
  const { [BOUND_BY_CONTROLLER]: ours, ...annotations } = volume.metadata.annotations ?? {};
  const { claimRef, ...spec } = volume.spec;
  if (ours === undefined) {
    const { uid: _uid, ...reserved } = claimRef ?? {};
    return { ...volume, spec: { ...spec, claimRef: reserved } };
  }
  const { annotations: _annotations, ...metadata } = volume.metadata;
  const kept = Object.keys(annotations).length === 0 ? {} : { annotations };
  return { ...volume, metadata: { ...metadata, ...kept }, spec };
}

/** The claim with the volume's name; the same object when it has it. */
export function boundClaim(claim: Claim, volume: Volume): Claim {
  const { name } = volume.metadata;
  const before = claim.metadata.annotations ?? {};
  const chosen = claim.spec.volumeName !== name;
  if (!chosen && before[BIND_COMPLETED] !== undefined) return claim;
  const annotations = {
    ...before,
    [BIND_COMPLETED]: before[BIND_COMPLETED] ?? "yes",
    ...(chosen ? { [BOUND_BY_CONTROLLER]: before[BOUND_BY_CONTROLLER] ?? "yes" } : {}),
  };
  return { ...claim, metadata: { ...claim.metadata, annotations }, spec: { ...claim.spec, volumeName: name } };
}

/** The status of a claim that has no volume; the same object when it says so. */
export function unboundStatus(claim: Claim, phase: "Pending" | "Lost"): Claim["status"] {
  const { accessModes, capacity, currentVolumeAttributesClassName, ...status } = claim.status;
  const bare = [accessModes, capacity, currentVolumeAttributesClassName].every((value) => value === undefined);
  return bare && status.phase === phase ? claim.status : { ...status, phase };
}

/**
 * The status of a claim with its volume; the same object when nothing changes. The size is taken over once only: later it may differ for
 * good reason.
 */
export function boundStatus(claim: Claim, volume: Volume): Claim["status"] {
  const { status } = claim;
  const next: Claim["status"] = { ...status, phase: "Bound" };
  const { accessModes, capacity, volumeAttributesClassName } = volume.spec;
  if (accessModes !== undefined) next.accessModes = accessModes;
  if (status.phase !== "Bound") {
    const size = capacity?.["storage"];
    if (size === undefined) throw new Error(`PersistentVolume "${volume.metadata.name}" is without a storage capacity`);
    const before = volume.metadata.annotations?.[SIZE_BEFORE];
    const known = status.capacity?.["storage"];
    if (before !== undefined) next.capacity = { ...status.capacity, storage: before };
    else if (known === undefined || !Quantity.parse(known).equals(Quantity.parse(size)))
      next.capacity = { ...capacity };
    if (volumeAttributesClassName !== undefined) next.currentVolumeAttributesClassName = volumeAttributesClassName;
  }
  return deepEqual(status, next) ? status : next;
}
