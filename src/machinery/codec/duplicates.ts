import { quote } from "../errors/quote.ts";

/** As many as upstream collects. */
const MAX_FOUND = 100;

/**
 * The fields that occur twice in an object of a JSON text, in upstream's words: `duplicate field "spec.replicas"`. `value` is what
 * the text decodes to: when it has as many keys as the text has key-like tokens, there is nothing to look for.
 */
export function findDuplicates(text: string, value: unknown): string[] {
  return countKeyTokens(text) === countKeys(value) ? [] : new Scanner(text).find();
}

/** An upper bound of the keys in the text: colons that follow a quote, blanks between them aside. */
function countKeyTokens(text: string): number {
  let count = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) quoted = true;
    else if (quoted && unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) {
      if (unit === 0x3a) count++;
      quoted = false;
    }
  }
  return count;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object") count += countKeys(item);
    return count;
  }
  for (const key in value) {
    count++;
    const field = (value as Record<string, unknown>)[key];
    if (typeof field === "object") count += countKeys(field);
  }
  return count;
}

/** One object or list that is open. */
interface Frame {
  /** Keys seen; undefined in a list. */
  readonly keys: Set<string> | undefined;
  /** How the path to this value ends: `.spec`, `[0]`. */
  readonly step: string;
  index: number;
  key: string;
}

/** Walks the tokens of a text that is known to be valid JSON. */
class Scanner {
  readonly #text: string;
  readonly #stack: Frame[] = [];
  readonly #found = new Set<string>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  find(): string[] {
    let expectKey = false;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      const frame = this.#stack.at(-1);
      if (char === '"') {
        const text = this.#string();
        if (expectKey && frame) this.#key(frame, text);
        expectKey = false;
        continue;
      }
      this.#at++;
      if (char === "{" || char === "[") {
        this.#stack.push({ keys: char === "{" ? new Set() : undefined, step: this.#step(frame), index: 0, key: "" });
        expectKey = char === "{";
      } else if (char === "}" || char === "]") this.#stack.pop();
      else if (char === "," && frame) {
        frame.index++;
        expectKey = frame.keys !== undefined;
      }
    }
    return [...this.#found];
  }

  #step(frame: Frame | undefined): string {
    if (!frame) return "";
    return frame.keys ? `.${frame.key}` : `[${frame.index}]`;
  }

  #key(frame: Frame, key: string): void {
    if (frame.keys?.has(key) && this.#found.size < MAX_FOUND) {
      const path = `${this.#stack.map((f) => f.step).join("")}.${key}`;
      this.#found.add(`duplicate field ${quote(path.slice(1))}`);
    }
    frame.keys?.add(key);
    frame.key = key;
  }

  #string(): string {
    const start = this.#at;
    for (;;) {
      this.#at = this.#text.indexOf('"', this.#at + 1);
      let slashes = 0;
      while (this.#text.charCodeAt(this.#at - 1 - slashes) === 0x5c) slashes++;
      if (slashes % 2 === 0) break;
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }
}

/** Leaves out duplicates inside fields that the type does not have: upstream skips those unread. */
export function withoutUnknown(duplicates: readonly string[], unknown: readonly string[]): string[] {
  const pathOf = (finding: string): string => /"(.*)"$/.exec(finding)?.[1] ?? "";
  const paths = unknown.map(pathOf);
  return duplicates.filter(
    (d) => !paths.some((p) => pathOf(d) === p || pathOf(d).startsWith(`${p}.`) || pathOf(d).startsWith(`${p}[`)),
  );
}
