import type { appsv1, corev1, metav1 } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { findCondition, withCondition, withoutCondition } from "../common/conditions.ts";
import { omitEmpty } from "../common/omit-empty.ts";
import { deletionOrder } from "../common/pod-rank.ts";
import { isPodAvailable, isPodReady } from "../common/pods.ts";

/** The most pods created or deleted in one step. */
export const BURST = 500;

/** What ReplicaSets and ReplicationControllers have in common, and all that keeping their pods takes. */
export interface ReplicaOwner {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: metav1.ObjectMeta & { namespace: string };
  readonly spec: {
    readonly replicas: number;
    readonly minReadySeconds: number;
    readonly selector: metav1.LabelSelector | undefined;
    readonly template: corev1.PodTemplateSpec;
  };
  readonly status: appsv1.ReplicaSetStatus;
}

/** How many pods to create, or which to delete. */
export interface ReplicaPlan {
  readonly create: number;
  readonly remove: readonly corev1.Pod[];
}

/**
 * Compares the pods that an owner has (`active`: claimed, neither finished nor being deleted) with what it wants.
 * `related` is asked for only when some but not all must go: the pods whose crowding on a node counts.
 */
export function planReplicas(
  desired: number,
  active: readonly corev1.Pod[],
  related: () => Iterable<corev1.Pod>,
  now: number,
): ReplicaPlan {
  const surplus = active.length - desired;
  if (surplus < 0) return { create: Math.min(-surplus, BURST), remove: [] };
  const count = Math.min(surplus, BURST);
  if (count === 0) return { create: 0, remove: [] };
  const ordered = count < active.length ? deletionOrder(active, related(), now) : active;
  return { create: 0, remove: ordered.slice(0, count) };
}

/** What the status is made of beside the pods. */
export interface StatusInput {
  readonly owner: ReplicaOwner;
  readonly active: readonly corev1.Pod[];
  /** How many claimed pods are being deleted; absent for kinds that do not report it. */
  readonly terminating?: number;
  /** Why creating or deleting pods failed this time, in words. */
  readonly failure?: string;
  readonly now: number;
}

/** The status that the pods make, with the ReplicaFailure condition set or cleared. */
export function replicaStatus({ owner, active, terminating, failure, now }: StatusInput): appsv1.ReplicaSetStatus {
  const labels = Object.entries(owner.spec.template.metadata?.labels ?? {});
  let [labeled, ready, available] = [0, 0, 0];
  for (const pod of active) {
    if (labels.every(([key, value]) => pod.metadata.labels?.[key] === value)) labeled++;
    if (isPodReady(pod)) ready++;
    if (isPodAvailable(pod, owner.spec.minReadySeconds, now)) available++;
  }
  return {
    replicas: active.length,
    ...omitEmpty<Omit<appsv1.ReplicaSetStatus, "replicas" | "terminatingReplicas">>({
      fullyLabeledReplicas: labeled,
      readyReplicas: ready,
      availableReplicas: available,
      observedGeneration: owner.metadata.generation,
      conditions: failureConditions(owner, active.length, failure, now),
    }),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
  };
}

function failureConditions(
  owner: ReplicaOwner,
  active: number,
  failure: string | undefined,
  now: number,
): appsv1.ReplicaSetCondition[] {
  const before = owner.status.conditions;
  const failed = findCondition(before, "ReplicaFailure");
  if (failure === undefined) return withoutCondition(before, "ReplicaFailure");
  if (failed !== undefined) return [...(before ?? [])];
  return withCondition(before, {
    type: "ReplicaFailure",
    status: "True",
    lastTransitionTime: formatTime(now),
    reason: active > owner.spec.replicas ? "FailedDelete" : "FailedCreate",
    message: failure,
  });
}
