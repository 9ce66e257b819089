import type { corev1 } from "../../../api/index.ts";
import { requiredNodeAffinity } from "../../cache/node-selector.ts";
import { untoleratedTaint } from "../../cache/tolerations.ts";
import type { DomainCounts } from "../../counters/domain-counts.ts";
import type { DomainSpec } from "../../counters/domain-map.ts";
import type { PodGroup } from "../../counters/pod-group.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { SpreadConstraint } from "./constraints.ts";

/** A constraint with the pods it counts. */
export interface CountedConstraint {
  readonly constraint: SpreadConstraint;
  /** By node. */
  readonly group: PodGroup;
  /** By domain. */
  readonly domains: DomainCounts;
  /** 1 when the pod itself will count. */
  readonly self: 0 | 1;
}

/** Finds the counters behind constraints. Nodes that lack one of `requiredKeys` count in none of them. */
export function counted(
  cycle: SchedulingCycle,
  constraints: readonly SpreadConstraint[],
  requiredKeys: readonly string[],
): CountedConstraint[] {
  const { counters } = cycle.cache;
  const { namespace, labels } = cycle.info.labels;
  return constraints.map((constraint) => {
    const { selector, selectorKey, topologyKey } = constraint;
    const group = counters.group({
      key: `spread\n${namespace}\n${selectorKey}`,
      namespace,
      byNamespaceLabels: false,
      skipTerminating: true,
      // An empty selector counts nothing.
      matches: (pod) => !selector.empty && pod.namespace === namespace && selector.matches(pod.labels),
    });
    const condition = inclusion(cycle, constraint);
    const domains = counters.domains(group, { topologyKey, requiredKeys, ...(condition && { condition }) });
    return { constraint, group, domains, self: selector.matches(labels) ? 1 : 0 };
  });
}

/** The nodes that count at all, by the constraint's inclusion policies. */
function inclusion(
  { cache, nodes, pod }: SchedulingCycle,
  { honorAffinity, honorTaints }: SpreadConstraint,
): DomainSpec["condition"] {
  const affinity = honorAffinity ? requiredNodeAffinity(pod) : undefined;
  if (!affinity && !honorTaints) return undefined;
  const { tolerations } = pod.spec;
  const key = `${affinity?.key ?? ""}\n${honorTaints ? JSON.stringify(tolerations ?? []) : "-"}`;
  const holds = (slot: number): boolean => {
    const node = nodes.node(slot) as corev1.Node;
    if (affinity && !affinity.matches(node)) return false;
    return !honorTaints || untoleratedTaint(node.spec?.taints, tolerations) === undefined;
  };
  return { key, mask: () => cache.masks.get(`inclusion\n${key}`, holds) };
}
