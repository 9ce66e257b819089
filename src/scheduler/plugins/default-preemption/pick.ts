import { type Candidate, startOf } from "./candidates.ts";

/** Makes all priorities count as at least 0, so that few pods of negative priority are better than many. */
const OFFSET = 2 ** 31;

/**
 * The node to preempt on: fewest broken budgets, then least important most-important victim, then least sum of priorities, fewest victims, and
 * last the one whose most important victims started latest.
 */
export function pickCandidate(candidates: readonly Candidate[], now: number): Candidate | undefined {
  const criteria: readonly ((c: Candidate) => number)[] = [
    (c) => -c.violations,
    (c) => -(c.victims[0]?.priority ?? 0),
    (c) => -c.victims.reduce((sum, victim) => sum + victim.priority + OFFSET, 0),
    (c) => -c.victims.length,
    (c) => earliestStart(c, now),
  ];
  let left = candidates;
  for (const score of criteria) {
    if (left.length <= 1) break;
    const scores = left.map(score);
    const best = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    left = left.filter((_, i) => scores[i] === best);
  }
  return left[0];
}

/** When the first of the most important victims started. */
function earliestStart({ victims }: Candidate, now: number): number {
  const top = victims[0]?.priority;
  return victims
    .filter(({ priority }) => priority === top)
    .reduce((min, v) => Math.min(min, startOf(v, now)), Infinity);
}
