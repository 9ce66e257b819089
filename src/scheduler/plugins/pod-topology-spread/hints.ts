import type { corev1 } from "../../../api/index.ts";
import { deepEqual } from "../../../machinery/index.ts";
import type { QueueingHint } from "../../framework/cluster-event.ts";
import type { SpreadConstraint } from "./constraints.ts";

type Labels = Readonly<Record<string, string>> | undefined;

/** Whether a pod that came, left or changed moves the counts of a waiting pod's constraints. */
export function afterPodChange(
  pod: corev1.Pod,
  constraints: readonly SpreadConstraint[],
  before: corev1.Pod | undefined,
  after: corev1.Pod | undefined,
): QueueingHint {
  const involved = (other: corev1.Pod | undefined): boolean =>
    other === undefined ||
    other.metadata.uid === pod.metadata.uid ||
    (Boolean(other.spec.nodeName) && other.metadata.namespace === pod.metadata.namespace);
  if (!involved(before) || !involved(after)) return "QueueSkip";
  if (before && after) {
    const own = after.metadata.uid === pod.metadata.uid;
    const tolerates = !deepEqual(before.spec.tolerations ?? [], after.spec.tolerations ?? []);
    if (own && tolerates && constraints.some((c) => c.honorTaints)) return "Queue";
    const moves = constraints.some(
      ({ selector }) => selector.matches(before.metadata.labels) !== selector.matches(after.metadata.labels),
    );
    return moves ? "Queue" : "QueueSkip";
  }
  const { labels } = (after ?? before)?.metadata ?? {};
  return constraints.some(({ selector }) => selector.matches(labels)) ? "Queue" : "QueueSkip";
}

/** Whether a node that came, left or changed makes or moves a domain. */
export function afterNodeChange(
  _: corev1.Pod,
  constraints: readonly SpreadConstraint[],
  before: corev1.Node | undefined,
  after: corev1.Node | undefined,
): QueueingHint {
  const takesPart = (labels: Labels): boolean =>
    constraints.every(({ topologyKey }) => labels?.[topologyKey] !== undefined);
  if (!before || !after) return takesPart((after ?? before)?.metadata.labels) ? "Queue" : "QueueSkip";
  const [was, is] = [takesPart(before.metadata.labels), takesPart(after.metadata.labels)];
  if (was !== is) return "Queue";
  if (!is) return "QueueSkip";
  const moved = constraints.some(
    ({ topologyKey }) => before.metadata.labels?.[topologyKey] !== after.metadata.labels?.[topologyKey],
  );
  return moved || !deepEqual(before.spec?.taints ?? [], after.spec?.taints ?? []) ? "Queue" : "QueueSkip";
}
