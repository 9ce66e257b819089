import type { LabelColumn } from "../../cache/label-columns.ts";
import type { DomainMap } from "../../counters/domain-map.ts";
import { MAX_NODE_SCORE } from "../../framework/plugin.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import { domainsOf } from "./counting.ts";

/** How much each domain of one topology is liked, by the domain's number. */
export interface TopologyScore {
  readonly column: LabelColumn;
  readonly byDomain: Float64Array;
}

/**
 * Adds up what the pod thinks of pods in each domain, and what they think of it. Required affinity of others counts `hardWeight`. Empty
 * when nobody thinks anything.
 */
export function topologyScores(cycle: SchedulingCycle, hardWeight: number): TopologyScore[] {
  const { info, cache } = cycle;
  const scores = new Map<string, TopologyScore>();
  const add = (map: DomainMap, counts: Int32Array | Float64Array, weight: number): void => {
    const { column } = map;
    let score = scores.get(column.key);
    if (!score) scores.set(column.key, (score = { column, byDomain: new Float64Array(column.size) }));
    const { byDomain } = score;
    for (const value of map.values) byDomain[value] = (byDomain[value] as number) + weight * (counts[value] ?? 0);
  };
  const own = [
    ...info.affinity.preferredAffinity,
    ...info.affinity.preferredAntiAffinity.map(({ term, weight }) => ({ term, weight: -weight })),
  ];
  for (const { term, weight } of own) {
    for (const { map, counts, total } of domainsOf(cycle, [term])) if (total > 0) add(map, counts, weight);
  }
  const { affinity, preferred } = cache.counters;
  const others = [
    ...(hardWeight > 0 ? affinity.matching(info.labels).map((term) => ({ term, weight: hardWeight })) : []),
    ...preferred.matching(info.labels).map((term) => ({ term, weight: 1 })),
  ];
  for (const { term, weight } of others) {
    const { map, weights } = term.refresh();
    add(map, weights, weight);
  }
  return [...scores.values()];
}

/** The sum over topologies. */
export function scoreAffinity(
  topologies: readonly TopologyScore[],
  slots: Int32Array,
  count: number,
  scores: Float64Array,
): void {
  scores.fill(0, 0, count);
  for (const { column, byDomain } of topologies) {
    const { values } = column;
    for (let i = 0; i < count; i++) {
      scores[i] = (scores[i] as number) + (byDomain[values[slots[i] as number] as number] ?? 0);
    }
  }
}

/** Stretches scores from the least to the most liked. */
export function normalizeAffinity(count: number, scores: Float64Array): void {
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    const score = scores[i] as number;
    if (score < min) min = score;
    if (score > max) max = score;
  }
  const range = max - min;
  for (let i = 0; i < count; i++) {
    scores[i] = range > 0 ? Math.trunc(MAX_NODE_SCORE * (((scores[i] as number) - min) / range)) : 0;
  }
}
