/** Whole numbers in ascending order, as ranges that neither touch nor overlap. */
export type Intervals = readonly (readonly [first: number, last: number])[];

/** Reads `0-3,5,7,8`; what cannot be read is left out, and what is not below `limit` is cut off. */
export function parseIntervals(text: string | undefined, limit: number): Intervals {
  const ranges: [number, number][] = [];
  for (const part of text === undefined || text === "" ? [] : text.split(",")) {
    const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(part);
    if (match === null) continue;
    const first = Number(match[1]);
    if (first >= limit) break;
    ranges.push([first, Math.min(Number(match[2] ?? first), limit - 1)]);
  }
  return mergeIntervals([], ranges);
}

/** The text that {@link parseIntervals} reads; two neighbours stand as `7,8`. */
export function formatIntervals(intervals: Intervals): string {
  return intervals
    .map(([first, last]) => {
      if (first === last) return String(first);
      return last === first + 1 ? `${first},${last}` : `${first}-${last}`;
    })
    .join(",");
}

/** All numbers of both, which must be in ascending order of their beginnings. */
export function mergeIntervals(a: Intervals, b: Intervals): Intervals {
  const sorted = [...a, ...b].toSorted(([x], [y]) => x - y);
  const result: [number, number][] = [];
  for (const [first, last] of sorted) {
    const end = result.at(-1);
    if (end === undefined || first > end[1] + 1) result.push([first, last]);
    else end[1] = Math.max(end[1], last);
  }
  return result;
}

/** With single numbers added, in any order. */
export function withNumbers(intervals: Intervals, numbers: Iterable<number>): Intervals {
  return mergeIntervals(
    intervals,
    [...numbers].map((n) => [n, n] as const),
  );
}

/** How many numbers there are. */
export function countIntervals(intervals: Intervals): number {
  return intervals.reduce((total, [first, last]) => total + last - first + 1, 0);
}

/** Whether the number is among them. O(log n). */
export function hasNumber(intervals: Intervals, number: number): boolean {
  let [low, high] = [0, intervals.length];
  while (high > low) {
    const middle = (low + high) >> 1;
    if ((intervals[middle]?.[1] ?? 0) >= number) high = middle;
    else low = middle + 1;
  }
  const found = intervals[high];
  return found !== undefined && found[0] <= number;
}

/** How many numbers are in both. */
export function countCommon(a: Intervals, b: Intervals): number {
  let [i, j, common] = [0, 0, 0];
  for (;;) {
    const [x, y] = [a[i], b[j]];
    if (x === undefined || y === undefined) return common;
    common += Math.max(0, Math.min(x[1], y[1]) - Math.max(x[0], y[0]) + 1);
    if (x[1] <= y[1]) i++;
    if (y[1] <= x[1]) j++;
  }
}

/** The first `count` numbers below `limit` that are not among them. */
export function firstMissing(intervals: Intervals, count: number, limit: number): number[] {
  const missing: number[] = [];
  let candidate = 0;
  for (const [first, last] of intervals) {
    for (; candidate < Math.min(first, limit) && missing.length < count; candidate++) missing.push(candidate);
    candidate = Math.max(candidate, last + 1);
  }
  for (; candidate < limit && missing.length < count; candidate++) missing.push(candidate);
  return missing;
}
