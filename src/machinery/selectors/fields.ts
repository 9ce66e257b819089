import { ParseError } from "../errors/parse-error.ts";

/** One condition on a field's value, which is text whatever the field's type. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** A compiled field selector. Immutable. */
export interface FieldSelector {
  /** `get` gives a field's value as text, empty when unset. */
  matches(get: (field: string) => string): boolean;
  readonly empty: boolean;
  readonly requirements: readonly FieldRequirement[];
  /** The value that the field must equal, if the selector says so. */
  exact(field: string): string | undefined;
  toString(): string;
}

class Fields implements FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  get empty(): boolean {
    return this.requirements.length === 0;
  }

  matches(get: (field: string) => string): boolean {
    for (const r of this.requirements) if ((get(r.field) === r.value) !== (r.operator === "=")) return false;
    return true;
  }

  exact(field: string): string | undefined {
    return this.requirements.find((r) => r.field === field && r.operator === "=")?.value;
  }

  toString(): string {
    return this.requirements.map((r) => `${r.field}${r.operator}${escapeFieldValue(r.value)}`).join(",");
  }
}

/** A literal value made safe for {@link parseFieldSelector}. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, "\\$&");
}

/**
 * Parses `metadata.name=x,spec.nodeName!=y`. Which fields may be selected is the resource's business: see
 * `selectableFields` in api. Throws {@link ParseError} in upstream's words.
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text).toSorted()) {
    if (term === "") continue;
    const found = /!=|==|=/.exec(term);
    if (!found) throw new ParseError(`invalid selector: '${text}'; can't understand '${term}'`);
    const value = unescape(term.slice(found.index + found[0].length));
    requirements.push({ field: term.slice(0, found.index), operator: found[0] === "!=" ? "!=" : "=", value });
  }
  return new Fields(requirements);
}

/** A selector built from requirements. */
export function fieldSelectorOf(requirements: readonly FieldRequirement[]): FieldSelector {
  return new Fields(requirements);
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  let escaped = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (escaped) escaped = false;
    else if (char === "\\") escaped = true;
    else if (char === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function unescape(value: string): string {
  if (!/[\\,=]/.test(value)) return value;
  let out = "";
  let escaped = false;
  for (const char of value) {
    if (escaped) {
      if (char !== "\\" && char !== "," && char !== "=") throw badEscape(`\\${char}`);
      out += char;
      escaped = false;
    } else if (char === "\\") escaped = true;
    else if (char === "," || char === "=") {
      throw new ParseError(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    } else out += char;
  }
  if (escaped) throw badEscape("\\");
  return out;
}

function badEscape(sequence: string): ParseError {
  return new ParseError(`invalid field selector: invalid escape sequence: ${sequence}`);
}
