import { RE2JS } from "re2js";
import { fn, method, type Overload, TRAVERSAL } from "../functions.ts";
import { INT, listType, STRING } from "../types.ts";
import { CelError } from "../values.ts";

/** Patterns are few and used often. */
const MEMORY = 256;
const known = new Map<string, RE2JS>();

/** A pattern, compiled; matching takes linear time. Throws `CelError`. */
export function patternOf(pattern: string): RE2JS {
  const found = known.get(pattern);
  if (found) return found;
  try {
    const compiled = RE2JS.compile(pattern);
    if (known.size >= MEMORY) known.clear();
    known.set(pattern, compiled);
    return compiled;
  } catch (error) {
    throw new CelError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Whether the pattern occurs in the text. */
export function matchText(text: string, pattern: string): boolean {
  return patternOf(pattern).matcher(text).find();
}

function findAll(text: string, pattern: string, limit: number): string[] {
  const matcher = patternOf(pattern).matcher(text);
  const found: string[] = [];
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push(matcher.group() ?? "");
  return found;
}

const work = ([text = 0, pattern = 0]: readonly number[]): number =>
  Math.ceil((text + 1) * TRAVERSAL) * Math.ceil(pattern * 0.25);
const grows = ([text = 0]: readonly number[]): number => text;

/** `find` and `findAll`. */
export const regexLibrary: readonly Overload[] = [
  ...[fn, method].map((make) =>
    make("find", [STRING, STRING], STRING, (text, pattern) => findAll(text as string, pattern as string, 1)[0] ?? "", {
      work,
      grows,
    }),
  ),
  ...[fn, method].flatMap((make) => [
    make(
      "findAll",
      [STRING, STRING],
      listType(STRING),
      (text, pattern) => findAll(text as string, pattern as string, -1),
      { work, grows },
    ),
    make(
      "findAll",
      [STRING, STRING, INT],
      listType(STRING),
      (text, pattern, limit) => findAll(text as string, pattern as string, Number(limit)),
      { work, grows },
    ),
  ]),
];
