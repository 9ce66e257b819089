import type { corev1, storagev1 } from "../../../api/index.ts";
import { deepEqual } from "../../../machinery/index.ts";
import { Action, type QueueingHint } from "../../framework/cluster-event.ts";
import type { EventInterest } from "../../framework/plugin.ts";
import { claimsOf } from "../volumes/claims.ts";
import { volumeLimit } from "../volumes/matching.ts";

const MIGRATED = "storage.alpha.kubernetes.io/migrated-plugins";

/** What may make a pod schedulable of which volumes could not be bound. */
export function interests(): readonly EventInterest[] {
  return [
    { event: { resource: "StorageClass", action: Action.Add | Action.Update }, hint: afterClass },
    { event: { resource: "PersistentVolumeClaim", action: Action.Add | Action.Update }, hint: afterClaim },
    { event: { resource: "PersistentVolume", action: Action.Add | Action.Update } },
    { event: { resource: "Node", action: Action.Add | Action.UpdateNodeLabel } },
    { event: { resource: "CSINode", action: Action.Add | Action.Update }, hint: afterCsiNode },
    { event: { resource: "CSIDriver", action: Action.Update }, hint: afterDriver },
    { event: { resource: "CSIStorageCapacity", action: Action.Add | Action.Update }, hint: afterCapacity },
  ];
}

/** Whether a claim is one that the pod uses. */
export function afterClaim(pod: corev1.Pod, _: unknown, after: unknown): QueueingHint {
  const { namespace, name } = (after as corev1.PersistentVolumeClaim).metadata;
  const used = namespace === pod.metadata.namespace && claimsOf(pod).some((use) => use.name === name);
  return used ? "Queue" : "QueueSkip";
}

function afterClass(_: corev1.Pod, before: unknown, after: unknown): QueueingHint {
  const [old, now] = [before as storagev1.StorageClass | undefined, after as storagev1.StorageClass];
  return !old || !deepEqual(old.allowedTopologies ?? [], now.allowedTopologies ?? []) ? "Queue" : "QueueSkip";
}

function afterCsiNode(_: corev1.Pod, before: unknown, after: unknown): QueueingHint {
  const migrated = (node: unknown): string | undefined => (node as storagev1.CSINode).metadata.annotations?.[MIGRATED];
  return before === undefined || migrated(before) !== migrated(after) ? "Queue" : "QueueSkip";
}

function afterDriver(pod: corev1.Pod, before: unknown, after: unknown): QueueingHint {
  const [old, now] = [before as storagev1.CSIDriver, after as storagev1.CSIDriver];
  const relaxed = old.spec.storageCapacity === true && now.spec.storageCapacity !== true;
  const used = pod.spec.volumes?.some(({ csi }) => csi?.driver === now.metadata.name);
  return relaxed && used ? "Queue" : "QueueSkip";
}

function afterCapacity(_: corev1.Pod, before: unknown, after: unknown): QueueingHint {
  if (!before) return "Queue";
  const old = volumeLimit(before as storagev1.CSIStorageCapacity);
  const now = volumeLimit(after as storagev1.CSIStorageCapacity);
  return now && (!old || now.cmp(old) > 0) ? "Queue" : "QueueSkip";
}
