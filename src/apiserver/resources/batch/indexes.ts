/** An interval of indexes, both ends included; a text says what is wrong with it. */
type Interval = readonly [first: number, last: number] | string;

function parseInterval(text: string, completions: number): Interval {
  const parts = text.split("-");
  if (parts.length > 2) {
    return `the fragment "${text}" violates the requirement that an index interval can have at most two parts separated by '-'`;
  }
  const ends: number[] = [];
  for (const part of parts) {
    if (!/^[+-]?\d+$/.test(part)) return `cannot convert string to integer for index: "${part}"`;
    if (Number(part) >= completions) return `too large index: "${part}"`;
    ends.push(Number(part));
  }
  const [first = 0, last] = ends;
  if (last === undefined) return [first, first];
  return first >= last ? `non-increasing order, previous: ${first}, current: ${last}` : [first, last];
}

/** How many indexes a text such as `1,3-5` names, or what is wrong with it. */
export function countIndexes(text: string, completions: number): number | string {
  if (text === "") return 0;
  let [previous, total]: [number | undefined, number] = [undefined, 0];
  for (const part of text.split(",")) {
    const interval = parseInterval(part, completions);
    if (typeof interval === "string") return interval;
    const [first, last] = interval;
    if (previous !== undefined && previous >= first) {
      return `non-increasing order, previous: ${previous}, current: ${first}`;
    }
    total += last - first + 1;
    previous = last;
  }
  return total;
}

/** The first index that two texts both name; what is malformed is passed over. */
export function firstCommonIndex(a: string, b: string, completions: number): number | undefined {
  if (a === "" || b === "") return undefined;
  const parse = (text: string): (readonly [number, number])[] =>
    text
      .split(",")
      .map((part) => parseInterval(part, completions))
      .filter((interval) => typeof interval !== "string");
  const [left, right] = [parse(a), parse(b)];
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    const [x, y] = [left[i] ?? [0, 0], right[j] ?? [0, 0]];
    if (x[0] <= y[1] && y[0] <= x[1]) return Math.max(x[0], y[0]);
    if (x[0] <= y[0]) i++;
    else j++;
  }
  return undefined;
}
