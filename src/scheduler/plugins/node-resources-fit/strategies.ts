import { MAX_NODE_SCORE } from "../../framework/plugin.ts";
import type { AllocationScore } from "./scoring.ts";

/** A point of a broken line: at `utilization` percent a node scores `score` of 10. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

/** From the shape's scale of 10 to that of nodes. */
const SHAPE_SCALE = MAX_NODE_SCORE / 10;

/** The emptier, the better. */
export const leastAllocated: AllocationScore = weightedMean((taken, has) =>
  taken > has ? 0 : Math.trunc(((has - taken) * MAX_NODE_SCORE) / has),
);

/** The fuller, the better. */
export const mostAllocated: AllocationScore = weightedMean((taken, has) =>
  Math.trunc((Math.min(taken, has) * MAX_NODE_SCORE) / has),
);

/** By a broken line over the percentage taken. Resources that score nothing do not count in the mean. */
export function requestedToCapacityRatio(shape: readonly ShapePoint[]): AllocationScore {
  const points = shape.map(({ utilization, score }) => ({ utilization, score: score * SHAPE_SCALE }));
  return (resources, slot) => {
    let [sum, weights] = [0, 0];
    for (const { weight, allocatable, taken, request } of resources) {
      const has = allocatable[slot] as number;
      if (has === 0) continue;
      const used = (taken[slot] as number) + request;
      const score = at(points, used > has ? 100 : Math.trunc((used * 100) / has));
      if (score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.round(sum / weights);
  };
}

function at(points: readonly ShapePoint[], utilization: number): number {
  let before: ShapePoint | undefined;
  for (const point of points) {
    if (utilization <= point.utilization) {
      if (!before) return point.score;
      const rise = (point.score - before.score) * (utilization - before.utilization);
      return before.score + Math.trunc(rise / (point.utilization - before.utilization));
    }
    before = point;
  }
  return before?.score ?? 0;
}

/** The mean of the scores of all resources a node has, by weight. */
function weightedMean(scoreOf: (taken: number, has: number) => number): AllocationScore {
  return (resources, slot) => {
    let [sum, weights] = [0, 0];
    for (const { weight, allocatable, taken, request } of resources) {
      const has = allocatable[slot] as number;
      if (has === 0) continue;
      sum += scoreOf((taken[slot] as number) + request, has) * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.trunc(sum / weights);
  };
}
