import type { corev1 } from "../../../api/index.ts";
import { podRequests } from "../../cache/pod-requests.ts";
import type { Amounts, ResourceReader } from "../../cache/resource-amounts.ts";
import type { QueueingHint } from "../../framework/cluster-event.ts";

/** Whether a pod that left or shrank leaves room that `pod` wants. */
export function afterPodEvent(
  reader: ResourceReader,
  pod: corev1.Pod,
  before: corev1.Pod,
  after: corev1.Pod | undefined,
): QueueingHint {
  if (!after) return before.spec.nodeName || before.status?.nominatedNodeName ? "Queue" : "QueueSkip";
  if (after.metadata.uid === pod.metadata.uid) return "Queue";
  if (!after.spec.nodeName) return "QueueSkip";
  const [had, has] = [requests(reader, before), requests(reader, after)];
  for (const [id, wanted] of requests(reader, pod)) {
    if (wanted > 0 && (had.get(id) ?? 0) > (has.get(id) ?? 0)) return "Queue";
  }
  return "QueueSkip";
}

/** Whether a node that came or changed could, empty, have `pod`, and could not before. */
export function afterNodeEvent(
  reader: ResourceReader,
  pod: corev1.Pod,
  before: corev1.Node | undefined,
  after: corev1.Node,
): QueueingHint {
  const wanted = podRequests(pod, reader);
  const now = reader.read(after.status?.allocatable);
  if (allowedPods(reader, after) < 1) return "QueueSkip";
  for (const [id, amount] of wanted) if (amount > 0 && amount > (now.get(id) ?? 0)) return "QueueSkip";
  if (!before) return "Queue";
  if (allowedPods(reader, after) > allowedPods(reader, before)) return "Queue";
  const had = reader.read(before.status?.allocatable);
  for (const [id, amount] of wanted) if (amount > 0 && (now.get(id) ?? 0) > (had.get(id) ?? 0)) return "Queue";
  return "QueueSkip";
}

function requests(reader: ResourceReader, pod: corev1.Pod): Amounts {
  return podRequests(pod, reader, { useStatus: true });
}

function allowedPods(reader: ResourceReader, node: corev1.Node): number {
  return reader.whole(node.status?.allocatable?.["pods"] ?? "0");
}
