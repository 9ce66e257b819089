import { MAX_NODE_SCORE } from "../framework/plugin.ts";

/** Scales scores so that the largest becomes 100; reversed, so that it becomes 0 (plugins/helper `DefaultNormalizeScore`). */
export function normalizeByMax(scores: Float64Array, count: number, reverse: boolean): void {
  let max = 0;
  for (let i = 0; i < count; i++) if ((scores[i] as number) > max) max = scores[i] as number;
  if (max === 0) {
    if (reverse) scores.fill(MAX_NODE_SCORE, 0, count);
    return;
  }
  for (let i = 0; i < count; i++) {
    const score = Math.trunc((MAX_NODE_SCORE * (scores[i] as number)) / max);
    scores[i] = reverse ? MAX_NODE_SCORE - score : score;
  }
}
