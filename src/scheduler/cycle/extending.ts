import type { SchedulingCycle } from "../framework/cycle.ts";
import type { NodeVerdicts } from "../framework/diagnosis.ts";
import type { SchedulerExtender } from "../framework/extender.ts";
import { MAX_NODE_SCORE } from "../framework/plugin.ts";
import type { Feasible } from "./feasible.ts";

/** The best score an extender gives. */
const MAX_EXTENDER_SCORE = 10;

/** Lets extenders, one after the other, refuse nodes: closes up the list, gives the others verdicts, and returns how many are left. */
export async function filterByExtenders(
  extenders: readonly SchedulerExtender[],
  cycle: SchedulingCycle,
  { slots, count, verdicts }: Feasible & { readonly verdicts: NodeVerdicts },
): Promise<number> {
  let left: readonly number[] = [...slots.subarray(0, count)];
  for (const extender of extenders) {
    if (left.length === 0) break;
    if (!extender.filters) continue;
    try {
      const result = await extender.filter(cycle, left);
      for (const [slot, status] of result.refused) verdicts.set(slot, status);
      left = result.slots;
    } catch (error) {
      if (!extender.ignorable) throw error;
    }
  }
  slots.set(left);
  return left.length;
}

/** Adds the extenders' scores to `totals`. One that fails is left out. */
export async function prioritizeByExtenders(
  extenders: readonly SchedulerExtender[],
  cycle: SchedulingCycle,
  { slots, count }: Feasible,
  totals: Float64Array,
): Promise<void> {
  const list = [...slots.subarray(0, count)];
  const asked = extenders.filter((extender) => extender.prioritizes);
  const answers = await Promise.all(
    asked.map((extender) => extender.prioritize(cycle, list).catch((): ReadonlyMap<number, number> => new Map())),
  );
  for (const [i, scores] of answers.entries()) {
    const factor = (asked[i]?.weight ?? 0) * (MAX_NODE_SCORE / MAX_EXTENDER_SCORE);
    for (let j = 0; j < count; j++) totals[j] = (totals[j] as number) + factor * (scores.get(slots[j] as number) ?? 0);
  }
}
