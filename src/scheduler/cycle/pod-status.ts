import { type corev1, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { Nomination } from "../queue/nominator.ts";

/** A condition as the scheduler sets it. */
export interface WantedCondition {
  readonly type: "PodScheduled" | "DisruptionTarget";
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/**
 * Writes a condition and a nomination into a pod's status, unless they are there already. Only these fields are sent, so that what others write
 * meanwhile stays.
 */
export async function patchPodStatus(
  client: Client,
  pod: corev1.Pod,
  change: { readonly condition?: WantedCondition; readonly nomination?: Nomination },
  now: number,
): Promise<void> {
  const status: Record<string, unknown> = {};
  const { condition, nomination } = change;
  if (condition) {
    const made = changedCondition(pod, condition, now);
    if (made) status["conditions"] = [made];
  }
  if (nomination && (pod.status?.nominatedNodeName ?? "") !== nomination.node) {
    status["nominatedNodeName"] = nomination.node === "" ? null : nomination.node;
  }
  if (Object.keys(status).length === 0) return;
  const { namespace, name, uid } = pod.metadata;
  await client
    .resource(resources.pods)
    .patch({ namespace, name }, { type: "strategic", body: { metadata: { uid }, status } }, { subresource: "status" });
}

/** The condition to write; undefined when the pod has it. */
function changedCondition(
  { metadata, status }: corev1.Pod,
  wanted: WantedCondition,
  now: number,
): Record<string, unknown> | undefined {
  const old = status?.conditions?.find((c) => c.type === wanted.type);
  const observedGeneration = metadata.generation;
  const same =
    old?.status === wanted.status &&
    (old.reason ?? "") === wanted.reason &&
    (old.message ?? "") === wanted.message &&
    old.observedGeneration === observedGeneration;
  if (same) return undefined;
  return {
    ...wanted,
    ...(observedGeneration !== undefined && { observedGeneration }),
    lastTransitionTime: old?.status === wanted.status ? old.lastTransitionTime : formatTime(now),
  };
}
