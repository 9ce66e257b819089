import { type corev1, resources } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { formatTime, isConflict, isNotFound } from "../../machinery/index.ts";
import { keyOf } from "./claims.ts";
import { isPodTerminal, podCondition } from "./pods.ts";

/** How a pod is made to go. */
export interface PodRemoval {
  /** Why it is disturbed: told in its DisruptionTarget condition. */
  readonly disruption?: { readonly reason: string; readonly message: string };
  /** Marks a pod that is not finished as Failed first, for pods whose kubelet will not. */
  readonly fail?: boolean;
  /** Seconds; absent for the pod's own. */
  readonly gracePeriodSeconds?: number;
  /** Milliseconds. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/** Writes into the pod's status why it goes, then deletes that very pod. One that is gone already is no failure. */
export async function removePod(client: Client, pod: corev1.Pod, removal: PodRemoval): Promise<void> {
  const pods = client.resource(resources.pods);
  const options = removal.signal === undefined ? {} : { signal: removal.signal };
  const { uid } = pod.metadata;
  try {
    const status = statusChange(pod, removal);
    if (status !== undefined) {
      const body = { metadata: { uid }, status };
      await pods.patch(keyOf(pod), { type: "strategic", body }, { subresource: "status", ...options });
    }
    const grace = removal.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: removal.gracePeriodSeconds };
    await pods.delete(keyOf(pod), { preconditions: { uid }, ...grace, ...options });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

/** What to write into the status before the deletion; `undefined` when it says so already. */
export function statusChange(
  pod: corev1.Pod,
  { disruption, fail, now }: PodRemoval,
): Record<string, unknown> | undefined {
  const finished = isPodTerminal(pod);
  if (fail === true && finished) return undefined;
  const known = podCondition(pod, "DisruptionTarget");
  const told =
    disruption === undefined ||
    (known?.status === "True" && known.reason === disruption.reason && known.message === disruption.message);
  const generation = pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation };
  const condition = { type: "DisruptionTarget", status: "True", ...generation, lastTransitionTime: formatTime(now) };
  const change = {
    ...(fail === true ? { phase: "Failed" } : {}),
    ...(told ? {} : { conditions: [{ ...condition, ...disruption }] }),
  };
  return Object.keys(change).length === 0 ? undefined : change;
}
