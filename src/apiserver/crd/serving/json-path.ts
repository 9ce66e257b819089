/** Gives all values that a JSONPath finds in an object. */
export type JsonPath = (root: unknown) => unknown[];

type Step = (values: readonly unknown[]) => unknown[];

/**
 * Compiles the JSONPath that printer columns are written in: names, `['name']`, positions and slices, `*`, `..` and filters that compare
 * a field with a literal. Missing fields find nothing. Throws for what it can't read.
 */
export function compileJsonPath(text: string): JsonPath {
  const steps = parse(text);
  return (root) => {
    let values: unknown[] = [root];
    for (const step of steps) values = step(values);
    return values;
  };
}

function parse(text: string): Step[] {
  const steps: Step[] = [];
  let at = text.startsWith("$") || text.startsWith("@") ? 1 : 0;
  while (at < text.length) {
    if (text.startsWith("..", at)) {
      steps.push((values) => values.flatMap(descendants));
      at += text[at + 2] === "[" ? 2 : 1;
      continue;
    }
    if (text[at] === ".") {
      at++;
      if (at >= text.length) break;
      if (text[at] === "[") continue;
      const [name, end] = readName(text, at);
      steps.push(name === "*" ? wildcard : field(name));
      at = end;
    } else if (text[at] === "[") {
      const end = closing(text, at);
      steps.push(bracket(text.slice(at + 1, end).trim()));
      at = end + 1;
    } else {
      const [name, end] = readName(text, at);
      steps.push(field(name));
      at = end;
    }
  }
  return steps;
}

/** A name up to the next dot or bracket; a backslash takes the next character as it is. */
function readName(text: string, start: number): [name: string, end: number] {
  let name = "";
  let at = start;
  for (; at < text.length && text[at] !== "." && text[at] !== "["; at++) {
    if (text[at] === "\\" && at + 1 < text.length) at++;
    name += text.charAt(at);
  }
  if (name === "") throw new Error(`unrecognized character in ${JSON.stringify(text)} at ${start}: expected a name`);
  return [name, at];
}

function closing(text: string, open: number): number {
  let quote = "";
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const c = text.charAt(at);
    if (quote !== "") {
      if (c === "\\") at++;
      else if (c === quote) quote = "";
    } else if (c === "'" || c === '"') quote = c;
    else if (c === "[") depth++;
    else if (c === "]" && --depth === 0) return at;
  }
  throw new Error(`unterminated array in ${JSON.stringify(text)}: expected ]`);
}

function field(name: string): Step {
  return (values) => values.flatMap((value) => (isMap(value) && Object.hasOwn(value, name) ? [value[name]] : []));
}

function wildcard(values: readonly unknown[]): unknown[] {
  return values.flatMap((value) =>
    Array.isArray(value) ? (value as unknown[]) : isMap(value) ? Object.values(value) : [],
  );
}

function descendants(value: unknown): unknown[] {
  const below = Array.isArray(value) ? (value as unknown[]) : isMap(value) ? Object.values(value) : [];
  return [value, ...below.flatMap(descendants)];
}

function bracket(inner: string): Step {
  if (inner === "*") return wildcard;
  const filter = /^\?\s*\((.*)\)$/s.exec(inner);
  if (filter) return filterStep(filter[1] ?? "");
  const quoted = /^(['"])(.*)\1$/s.exec(inner);
  if (quoted) return field((quoted[2] ?? "").replaceAll(/\\(.)/gs, "$1"));
  const slice = /^(-?\d+)?\s*(:)?\s*(-?\d+)?\s*(?::\s*(\d+))?$/.exec(inner);
  if (!slice || inner === "")
    throw new Error(`invalid array index ${JSON.stringify(inner)}: expected a position, slice, name or filter`);
  const [, from, colon, to, step] = slice;
  return (values) =>
    values.flatMap((value) => {
      if (!Array.isArray(value)) return [];
      const list = value as unknown[];
      if (colon === undefined) {
        const at = Number(from) < 0 ? list.length + Number(from) : Number(from);
        return at >= 0 && at < list.length ? [list[at]] : [];
      }
      const part = list.slice(from === undefined ? 0 : Number(from), to === undefined ? undefined : Number(to));
      return step === undefined ? part : part.filter((_, i) => i % Math.max(1, Number(step)) === 0);
    });
}

const COMPARE: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => (a as number) < (b as number),
  "<=": (a, b) => (a as number) <= (b as number),
  ">": (a, b) => (a as number) > (b as number),
  ">=": (a, b) => (a as number) >= (b as number),
};

function filterStep(text: string): Step {
  const match = /^\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*$/s.exec(text);
  const left = operand(match ? (match[1] ?? "") : text.trim());
  const compare = match && COMPARE[match[2] ?? ""];
  const right = match ? operand(match[3] ?? "") : undefined;
  const passes = (item: unknown): boolean => {
    const found = left(item);
    if (!compare || !right) return found.length > 0;
    const [a, b] = [found[0], right(item)[0]];
    return found.length > 0 && typeof a === typeof b && compare(a, b);
  };
  return (values) => values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]).filter(passes) : []));
}

function operand(text: string): JsonPath {
  if (text.startsWith("@") || text.startsWith("$")) return compileJsonPath(text);
  const quoted = /^(['"])(.*)\1$/s.exec(text);
  if (quoted) return () => [quoted[2] ?? ""];
  if (text === "true" || text === "false") return () => [text === "true"];
  const number = Number(text);
  if (text === "" || Number.isNaN(number))
    throw new Error(`cannot read ${JSON.stringify(text)} in a filter: expected a path or a literal`);
  return () => [number];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
