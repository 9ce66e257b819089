import { type AffinityTerm, termMatches } from "../../cache/affinity-terms.ts";
import type { DomainCounts } from "../../counters/domain-counts.ts";
import type { PodGroup } from "../../counters/pod-group.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";

/** The pods that match all of `terms`. */
export function groupOf({ cache }: SchedulingCycle, terms: readonly AffinityTerm[]): PodGroup {
  const { namespaces } = cache;
  return cache.counters.group({
    key: `terms\n${terms.map((term) => term.key).join("\n")}`,
    namespace: onlyNamespace(terms),
    byNamespaceLabels: terms.some(({ namespaceSelector: s }) => !s.nothing && !s.empty),
    skipTerminating: false,
    matches: ({ namespace, labels }) =>
      terms.every((term) => termMatches(term, namespace, labels, namespaces.get(namespace))),
  });
}

/** The pods that match all of `terms`, by domain of each one's topology. */
export function domainsOf(cycle: SchedulingCycle, terms: readonly AffinityTerm[]): DomainCounts[] {
  const group = groupOf(cycle, terms);
  return terms.map(({ topologyKey }) => cycle.cache.counters.domains(group, { topologyKey, requiredKeys: [] }));
}

/** Whether the pod itself matches all of its own terms. */
export function matchesItself({ info, cache }: SchedulingCycle, terms: readonly AffinityTerm[]): boolean {
  const { namespace, labels } = info.labels;
  return terms.every((term) => termMatches(term, namespace, labels, cache.namespaces.get(namespace)));
}

/** A namespace that one of the terms is confined to, and hence all of them together. */
function onlyNamespace(terms: readonly AffinityTerm[]): string | undefined {
  for (const { namespaces, namespaceSelector } of terms) {
    if (namespaces.size === 1 && namespaceSelector.nothing) return [...namespaces][0];
  }
  return undefined;
}
