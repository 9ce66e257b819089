import type { appsv1, corev1 } from "../../api/index.ts";
import { omitEmpty } from "../common/omit-empty.ts";
import { isPodAvailable, isPodReady } from "../common/pods.ts";
import { revisionOf } from "./identity.ts";

/** The revisions that a status is about. */
export interface StatusRevisions {
  readonly current: string;
  readonly update: string;
  readonly collisionCount: number;
}

/** The status of `set` with these pods. When all pods are of the new revision and ready, it becomes the current one. */
export function statefulStatus(
  set: appsv1.StatefulSet,
  pods: readonly corev1.Pod[],
  { current, update, collisionCount }: StatusRevisions,
  now: number,
): appsv1.StatefulSetStatus {
  const minReady = set.spec.minReadySeconds ?? 0;
  const ready = pods.filter((pod) => pod.status.phase === "Running" && isPodReady(pod));
  const available = ready.filter((pod) => isPodAvailable(pod, minReady, now)).length;
  const of = (revision: string): number =>
    pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && revisionOf(pod) === revision).length;
  const updated = of(update);
  const replicas = set.spec.replicas ?? 1;
  const complete =
    set.spec.updateStrategy.type === "RollingUpdate" &&
    [updated, ready.length, pods.length].every((count) => count === replicas);
  return {
    ...omitEmpty<Omit<appsv1.StatefulSetStatus, "replicas" | "availableReplicas" | "collisionCount">>({
      observedGeneration: set.metadata.generation,
      readyReplicas: ready.length,
      currentReplicas: complete ? updated : of(current),
      updatedReplicas: updated,
      currentRevision: complete ? update : current,
      updateRevision: update,
      conditions: set.status.conditions,
    }),
    replicas: pods.length,
    availableReplicas: available,
    collisionCount,
  };
}
