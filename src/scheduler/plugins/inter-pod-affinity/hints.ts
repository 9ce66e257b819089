import type { corev1 } from "../../../api/index.ts";
import { type AffinityTerm, termMatches, type TermReader } from "../../cache/affinity-terms.ts";
import type { NamespaceLabels } from "../../cache/namespace-labels.ts";
import type { QueueingHint } from "../../framework/cluster-event.ts";

/** Whether a pod that came, left or changed is one that `pod` wants near it, or no longer one that it shuns. */
export function afterPodChange(
  terms: TermReader,
  namespaces: NamespaceLabels,
  pod: corev1.Pod,
  before: corev1.Pod | undefined,
  after: corev1.Pod | undefined,
): QueueingHint {
  if ((after && !after.spec.nodeName) || (before && !before.spec.nodeName)) return "QueueSkip";
  const { requiredAffinity, requiredAntiAffinity } = terms.read(pod);
  const matchesAll = (list: readonly AffinityTerm[], { metadata }: corev1.Pod): boolean =>
    list.length > 0 &&
    list.every((term) => termMatches(term, metadata.namespace, metadata.labels, namespaces.get(metadata.namespace)));
  if (before && after) {
    const found = !matchesAll(requiredAffinity, before) && matchesAll(requiredAffinity, after);
    const freed = matchesAll(requiredAntiAffinity, before) && !matchesAll(requiredAntiAffinity, after);
    return found || freed ? "Queue" : "QueueSkip";
  }
  if (after) return matchesAll(requiredAffinity, after) ? "Queue" : "QueueSkip";
  return before && matchesAll(requiredAntiAffinity, before) ? "Queue" : "QueueSkip";
}

/** Whether a node that came or changed joined or left a domain that matters to `pod`. */
export function afterNodeChange(
  terms: TermReader,
  pod: corev1.Pod,
  before: corev1.Node | undefined,
  after: corev1.Node,
): QueueingHint {
  const { requiredAffinity, requiredAntiAffinity } = terms.read(pod);
  const value = (node: corev1.Node | undefined, { topologyKey }: AffinityTerm): string | undefined =>
    node?.metadata.labels?.[topologyKey];
  for (const term of requiredAffinity) {
    const is = value(after, term);
    if (is !== undefined && is !== value(before, term)) return "Queue";
  }
  for (const term of requiredAntiAffinity) {
    if (!before) return "Queue";
    const was = value(before, term);
    if (was !== undefined && was !== value(after, term)) return "Queue";
  }
  return "QueueSkip";
}
