import type { corev1 } from "../../api/index.ts";
import { isNodeReady } from "../common/nodes.ts";
import { isPodTerminal } from "../common/pods.ts";

/** Neither pending, running nor unknown. */
export function isFinished(pod: corev1.Pod): boolean {
  return isPodTerminal(pod);
}

/** The finished pods to delete so that no more than `threshold` remain: evicted ones first, then the oldest. */
export function surplusFinished(finished: readonly corev1.Pod[], threshold: number): corev1.Pod[] {
  const surplus = finished.length - threshold;
  if (threshold <= 0 || surplus <= 0) return [];
  return finished.toSorted(evictedThenOldest).slice(0, surplus);
}

function evictedThenOldest(a: corev1.Pod, b: corev1.Pod): number {
  const evicted = Number(wasEvicted(b)) - Number(wasEvicted(a));
  if (evicted !== 0) return evicted;
  const [x, y] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function wasEvicted({ status }: corev1.Pod): boolean {
  return status.phase === "Failed" && status.reason === "Evicted";
}

/** Whether pods being deleted on a node must be helped: it is not ready and an administrator says it is out of service. */
export function isOutOfService(node: corev1.Node): boolean {
  const tainted = (node.spec.taints ?? []).some(({ key }) => key === "node.kubernetes.io/out-of-service");
  return tainted && !isNodeReady(node);
}

/** Being deleted before any node had it: nobody else will remove it. */
export function isUnscheduledTerminating({ metadata, spec }: corev1.Pod): boolean {
  return metadata.deletionTimestamp !== undefined && (spec.nodeName ?? "") === "";
}
