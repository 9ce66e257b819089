import type { LabelColumn } from "../../cache/label-columns.ts";
import { MAX_NODE_SCORE } from "../../framework/plugin.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { SpreadConstraint } from "./constraints.ts";
import { counted, type CountedConstraint } from "./counting.ts";

const HOSTNAME = "kubernetes.io/hostname";

interface Scored extends CountedConstraint {
  readonly column: LabelColumn;
  readonly perNode: boolean;
  /** Counts of finer topologies are smaller: this evens them out. */
  readonly weight: number;
}

/** What Score needs, worked out once a cycle. */
export interface SpreadScoring {
  readonly constraints: readonly Scored[];
  /** By index among the feasible nodes: 1 for those that lack a topology key; undefined: none does. */
  readonly ignored: Uint8Array | undefined;
}

/** Prepares scoring. With `requireAll`, nodes that lack one of the topology keys are not scored. */
export function prepare(
  cycle: SchedulingCycle,
  constraints: readonly SpreadConstraint[],
  requireAll: boolean,
  slots: Int32Array,
  count: number,
): SpreadScoring {
  const keys = constraints.map(({ topologyKey }) => topologyKey);
  const columns = keys.map((key) => cycle.nodes.label(key));
  const ignored = requireAll ? lacking(columns, slots, count) : undefined;
  const scored = ignored ? count - ignored.reduce((sum, one) => sum + one, 0) : count;
  const made = counted(cycle, constraints, requireAll ? keys : []).map((one, i): Scored => {
    const column = columns[i] as LabelColumn;
    const perNode = one.constraint.topologyKey === HOSTNAME;
    const size = perNode ? scored : distinct(column, slots, count, ignored);
    return { ...one, column, perNode, weight: Math.log(size + 2) };
  });
  return { constraints: made, ignored };
}

/** The raw score: weighted counts of matching pods, the fewer the better. */
export function scoreSpread(
  { constraints, ignored }: SpreadScoring,
  slots: Int32Array,
  count: number,
  scores: Float64Array,
): void {
  scores.fill(0, 0, count);
  for (const { constraint, column, perNode, weight, group, domains } of constraints) {
    const { values } = column;
    const counts = perNode ? group.counts : domains.refresh().counts;
    const base = constraint.maxSkew - 1;
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      const value = values[slot] as number;
      if (value === 0) continue;
      const pods = counts[perNode ? slot : value] ?? 0;
      scores[i] = (scores[i] as number) + pods * weight + base;
    }
  }
  for (let i = 0; i < count; i++) scores[i] = ignored?.[i] === 1 ? 0 : Math.round(scores[i] as number);
}

/** Turns it round: fewest pods, best score. */
export function normalizeSpread({ ignored }: SpreadScoring, count: number, scores: Float64Array): void {
  let [min, max] = [Infinity, 0];
  for (let i = 0; i < count; i++) {
    if (ignored?.[i] === 1) continue;
    const score = scores[i] as number;
    if (score < min) min = score;
    if (score > max) max = score;
  }
  for (let i = 0; i < count; i++) {
    if (ignored?.[i] === 1) scores[i] = 0;
    else if (max === 0) scores[i] = MAX_NODE_SCORE;
    else scores[i] = Math.trunc((MAX_NODE_SCORE * (max + min - (scores[i] as number))) / max);
  }
}

function lacking(columns: readonly LabelColumn[], slots: Int32Array, count: number): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (const { values } of columns) {
    for (let i = 0; i < count; i++) if (values[slots[i] as number] === 0) (found ??= new Uint8Array(count))[i] = 1;
  }
  return found;
}

/** How many values the nodes have; to lack the label is one too. */
function distinct(
  { values, size }: LabelColumn,
  slots: Int32Array,
  count: number,
  ignored: Uint8Array | undefined,
): number {
  const seen = new Uint8Array(size);
  let found = 0;
  for (let i = 0; i < count; i++) {
    const value = values[slots[i] as number] as number;
    if (seen[value] === 1 || ignored?.[i] === 1) continue;
    seen[value] = 1;
    found++;
  }
  return found;
}
