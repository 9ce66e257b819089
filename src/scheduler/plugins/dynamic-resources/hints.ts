import type { corev1, resourcev1 } from "../../../api/index.ts";
import { semanticEqual } from "../../../machinery/index.ts";
import { Action, type QueueingHint } from "../../framework/cluster-event.ts";
import type { EventInterest } from "../../framework/plugin.ts";
import type { ClaimTracker } from "./claim-tracker.ts";
import { claimsOfPod } from "./pod-claims.ts";

type Claim = resourcev1.ResourceClaim;

/** What may make a pod schedulable whose claims could not be allocated. */
export function interests(tracker: ClaimTracker): readonly EventInterest[] {
  return [
    { event: { resource: "Node", action: Action.Add | Action.UpdateNodeLabel | Action.UpdateNodeAllocatable } },
    {
      event: { resource: "ResourceClaim", action: Action.Add | Action.Update },
      hint: (pod, before, after) => afterClaim(tracker, pod, before as Claim | undefined, after as Claim),
    },
    {
      event: { resource: "Pod", action: Action.UpdatePodGeneratedResourceClaim },
      hint: (pod, _, after) => afterPod(tracker, pod, after as corev1.Pod),
    },
    { event: { resource: "DeviceClass", action: Action.Add | Action.Update } },
    { event: { resource: "ResourceSlice", action: Action.Add | Action.Update } },
  ];
}

function afterClaim(tracker: ClaimTracker, pod: corev1.Pod, before: Claim | undefined, after: Claim): QueueingHint {
  const claims = claimsOfPod(pod, tracker);
  if (typeof claims === "string") return "QueueSkip";
  // Devices of others came free.
  if (before?.status?.allocation && !after.status?.allocation) return "Queue";
  if (!claims.some(({ metadata }) => metadata.uid === after.metadata.uid)) return "QueueSkip";
  return !before || !semanticEqual(before.status ?? {}, after.status ?? {}) ? "Queue" : "QueueSkip";
}

function afterPod(tracker: ClaimTracker, pod: corev1.Pod, after: corev1.Pod): QueueingHint {
  if (pod.metadata.uid !== after.metadata.uid) return "QueueSkip";
  return typeof claimsOfPod(after, tracker) === "string" ? "QueueSkip" : "Queue";
}
