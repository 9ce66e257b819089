import type { corev1 } from "../../../api/index.ts";
import {
  namedNodes,
  type NodeMatcher,
  type NodePreference,
  nodePreferences,
  nodeSelector,
  requiredNodeAffinity,
} from "../../cache/node-selector.ts";
import { Action, type QueueingHint } from "../../framework/cluster-event.ts";
import type { SchedulingCycle } from "../../framework/cycle.ts";
import type { PreFilterResult, SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP, type Status, unresolvable } from "../../framework/status.ts";
import { Names } from "../names.ts";
import { normalizeByMax } from "../normalize.ts";

const REFUSED_BY_POD = unresolvable("node(s) didn't match Pod's node affinity/selector");
const REFUSED_BY_CONFIG = unresolvable("node(s) didn't match scheduler-enforced node affinity");
const CONFLICT = unresolvable("pod affinity terms conflict");

const REQUIRED = "PreFilterNodeAffinity";
const PREFERRED = "PreScoreNodeAffinity";
/** So few nodes are asked one by one: an answer for all nodes would not pay. */
const FEW = 32;

export interface NodeAffinityArgs {
  /** Holds for all pods of the profile beside their own. */
  readonly addedAffinity?: corev1.NodeAffinity;
}

/** `nodeSelector` and node affinity: where a pod must be, and where it likes to be. */
export class NodeAffinity implements SchedulerPlugin {
  readonly name = Names.NodeAffinity;
  readonly #added: NodeMatcher | undefined;
  readonly #addedPreferences: readonly NodePreference[];

  constructor({ addedAffinity }: NodeAffinityArgs = {}) {
    const required = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    this.#added = required && nodeSelector(required);
    this.#addedPreferences = nodePreferences(addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution);
  }

  events(): ReturnType<NonNullable<SchedulerPlugin["events"]>> {
    return [
      {
        event: { resource: "Node", action: Action.Add | Action.UpdateNodeLabel },
        hint: (pod, before, after) => this.#hint(pod, before as corev1.Node | undefined, after as corev1.Node),
      },
    ];
  }

  preFilter(cycle: SchedulingCycle): PreFilterResult | undefined {
    const required = requiredNodeAffinity(cycle.pod);
    if (!required && !this.#added) return { status: SKIP };
    cycle.write(REQUIRED, required);
    const names = namedNodes(cycle.pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution);
    if (!names) return undefined;
    return names.size === 0 ? { status: CONFLICT } : { nodeNames: names };
  }

  filterNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, verdicts: Int32Array): number {
    const required = cycle.read<NodeMatcher>(REQUIRED);
    let refused = 0;
    if (this.#added) refused += refuse(cycle, this.#added, slots, count, verdicts, REFUSED_BY_CONFIG);
    if (required) refused += refuse(cycle, required, slots, count, verdicts, REFUSED_BY_POD);
    return refused;
  }

  preScore(cycle: SchedulingCycle): Status | undefined {
    const own = cycle.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    const preferences = [...this.#addedPreferences, ...nodePreferences(own)];
    if (preferences.length === 0) return SKIP;
    cycle.write(PREFERRED, preferences);
    return undefined;
  }

  scoreNodes(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void {
    const { nodes, cache } = cycle;
    scores.fill(0, 0, count);
    for (const { key, weight, matches } of cycle.read<NodePreference[]>(PREFERRED) ?? []) {
      const mask = cache.masks.get(key, (slot) => matches(nodes.node(slot) as corev1.Node));
      for (let i = 0; i < count; i++) {
        if (mask[slots[i] as number] === 1) scores[i] = (scores[i] as number) + weight;
      }
    }
  }

  normalizeScores(_: SchedulingCycle, __: Int32Array, count: number, scores: Float64Array): void {
    normalizeByMax(scores, count, false);
  }

  #hint(pod: corev1.Pod, before: corev1.Node | undefined, after: corev1.Node): QueueingHint {
    if (this.#added && !this.#added.matches(after)) return "QueueSkip";
    const required = requiredNodeAffinity(pod);
    const matches = (node: corev1.Node): boolean => required?.matches(node) ?? true;
    return matches(after) && (before === undefined || !matches(before)) ? "Queue" : "QueueSkip";
  }
}

function refuse(
  cycle: SchedulingCycle,
  matcher: NodeMatcher,
  slots: Int32Array,
  count: number,
  verdicts: Int32Array,
  refusal: Status,
): number {
  const { nodes, cache } = cycle;
  const id = cycle.rejection(refusal);
  const holds = (slot: number): boolean => matcher.matches(nodes.node(slot) as corev1.Node);
  const mask = count > FEW ? cache.masks.get(matcher.key, holds) : undefined;
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number;
    if (verdicts[slot] !== 0 || (mask ? mask[slot] === 1 : holds(slot))) continue;
    verdicts[slot] = id;
    refused++;
  }
  return refused;
}
