/**
 * What differs between two objects, as a unified diff of their JSON, for messages about fields that may not change.
 * Meant for objects of a few hundred lines.
 */
export function describeDiff(old: unknown, next: unknown): string {
  const [a, b] = [lines(old), lines(next)];
  const steps = compare(a, b);
  const hunks: string[] = [];
  for (const [from, to] of hunkRanges(steps)) hunks.push(printHunk(steps, from, to));
  return hunks.join("");
}

interface Step {
  readonly sign: " " | "-" | "+";
  readonly text: string;
  /** Lines of the old and the new text before this one. */
  readonly old: number;
  readonly next: number;
}

const CONTEXT = 3;

function lines(value: unknown): string[] {
  return JSON.stringify(value ?? null, sortKeys, 2).split("\n");
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The shortest way from one list of lines to the other, by the longest common subsequence. */
function compare(a: readonly string[], b: readonly string[]): Step[] {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
    }
  }
  const steps: Step[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) steps.push({ sign: " ", text: left, old: i++, next: j++ });
    else if (left !== undefined && (right === undefined || down(common, width, i, j))) {
      steps.push({ sign: "-", text: left, old: i++, next: j });
    } else steps.push({ sign: "+", text: right ?? "", old: i, next: j++ });
  }
  return steps;
}

function down(common: Uint32Array, width: number, i: number, j: number): boolean {
  return (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0);
}

function hunkRanges(steps: readonly Step[]): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  for (const [i, step] of steps.entries()) {
    if (step.sign === " ") continue;
    const [from, to] = [Math.max(0, i - CONTEXT), Math.min(steps.length, i + CONTEXT + 1)];
    const last = ranges.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else ranges.push([from, to]);
  }
  return ranges;
}

function printHunk(steps: readonly Step[], from: number, to: number): string {
  const part = steps.slice(from, to);
  const range = (start: number, without: "-" | "+"): string => {
    const count = part.filter((s) => s.sign !== without).length;
    return count === 1 ? `${start + 1}` : `${count === 0 ? start : start + 1},${count}`;
  };
  const head = `@@ -${range(part[0]?.old ?? 0, "+")} +${range(part[0]?.next ?? 0, "-")} @@\n`;
  return head + part.map((s) => `${s.sign}${s.text}\n`).join("");
}
