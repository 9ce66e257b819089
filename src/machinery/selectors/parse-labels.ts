import { ParseError } from "../errors/parse-error.ts";
import { errorText, invalidValue } from "../field/error.ts";
import { isQualifiedName } from "../field/formats.ts";
import { BINARY_OPERATORS, newRequirement, type Operator, type Requirement } from "./requirement.ts";

type TokenKind = ")" | "," | "!" | "==" | "=" | ">" | "in" | "<" | "!=" | "notin" | "(" | "word" | "end" | "error";

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const LITERALS: ReadonlySet<string> = new Set([")", ",", "!", "==", "=", ">", "in", "<", "!=", "notin", "("]);
const SYMBOLS = "=!(),><";
const BLANKS = " \t\r\n";

const BINARY: Partial<Record<TokenKind, Operator>> = {
  in: "in",
  "=": "=",
  "==": "==",
  ">": "gt",
  "<": "lt",
  notin: "notin",
  "!=": "!=",
};

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length && text[at] !== "\0") {
    const char = text.charAt(at);
    if (BLANKS.includes(char)) at++;
    else {
      const token = SYMBOLS.includes(char) ? symbol(text, at) : word(text, at);
      tokens.push(token);
      at += token.text.length;
    }
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}

/** The longest operator that starts here: what is symbols but no operator joins nothing. */
function symbol(text: string, at: number): Token {
  const two = text.slice(at, at + 2);
  const found = LITERALS.has(two) ? two : text.charAt(at);
  return { kind: found as TokenKind, text: found };
}

function word(text: string, at: number): Token {
  let end = at;
  while (
    end < text.length &&
    !SYMBOLS.includes(text.charAt(end)) &&
    !BLANKS.includes(text.charAt(end)) &&
    text[end] !== "\0"
  )
    end++;
  const found = text.slice(at, end);
  return { kind: LITERALS.has(found) ? (found as TokenKind) : "word", text: found };
}

/** Recursive descent over the tokens; `in` and `notin` are words wherever no operator is expected. */
class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  requirements(): Requirement[] {
    const found: Requirement[] = [];
    for (;;) {
      const next = this.#peek();
      if (next.kind === "end") return found;
      if (next.kind !== "word" && next.kind !== "!") {
        throw new ParseError(`found '${next.text}', expected: !, identifier, or 'end of string'`);
      }
      found.push(this.#requirementInContext());
      const after = this.#next();
      if (after.kind === "end") return found;
      if (after.kind !== ",") throw new ParseError(`found '${after.text}', expected: ',' or 'end of string'`);
      const following = this.#peek();
      if (following.kind !== "word" && following.kind !== "!") {
        throw new ParseError(`found '${following.text}', expected: identifier after ','`);
      }
    }
  }

  #requirementInContext(): Requirement {
    try {
      return this.#requirement();
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      throw new ParseError(`unable to parse requirement: ${error.message}`, { cause: error });
    }
  }

  #requirement(): Requirement {
    let token = this.#next();
    const negated = token.kind === "!";
    if (negated) token = this.#next();
    if (token.kind !== "word") throw new ParseError(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const wrong = isQualifiedName(key);
    if (wrong.length > 0) throw new ParseError(errorText(invalidValue("<nil>", key, wrong.join("; "))));
    const next = this.#peek().kind;
    if (next === "end" || next === ",") return newRequirement(key, negated ? "!" : "exists", []);
    if (negated) return newRequirement(key, "!", []);
    const operator = this.#operator();
    const values = operator === "in" || operator === "notin" ? this.#values() : [this.#exactValue()];
    return newRequirement(key, operator, values);
  }

  #operator(): Operator {
    const token = this.#tokens[this.#at++];
    const operator = token && BINARY[token.kind];
    if (!operator) throw new ParseError(`found '${token?.text ?? ""}', expected: ${BINARY_OPERATORS}`);
    return operator;
  }

  #values(): string[] {
    const open = this.#next();
    if (open.kind !== "(") throw new ParseError(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.kind === ")") {
      this.#next();
      return [""];
    }
    if (first.kind !== "word" && first.kind !== ",") {
      throw new ParseError(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    const found = this.#list();
    if (this.#next().kind !== ")") throw new ParseError(`found '${first.text}', expected: ')'`);
    return [...found].toSorted();
  }

  /** Values between commas, where nothing between two commas is the empty value. */
  #list(): Set<string> {
    const found = new Set<string>();
    for (;;) {
      const token = this.#next();
      if (token.kind === "word") {
        found.add(token.text);
        const next = this.#peek();
        if (next.kind === ")") return found;
        if (next.kind !== ",") throw new ParseError(`found '${next.text}', expected: ',' or ')'`);
      } else if (token.kind === ",") {
        if (found.size === 0) found.add("");
        const next = this.#peek().kind;
        if (next === ")" || next === ",") found.add("");
        if (next === ")") return found;
      } else throw new ParseError(`found '${token.text}', expected: ',', or identifier`);
    }
  }

  #exactValue(): string {
    const next = this.#peek();
    if (next.kind === "end" || next.kind === ",") return "";
    this.#next();
    if (next.kind !== "word") throw new ParseError(`found '${next.text}', expected: identifier`);
    return next.text;
  }

  #peek(): Token {
    const token = this.#tokens[this.#at] ?? { kind: "end", text: "" };
    return token.kind === "in" || token.kind === "notin" ? { kind: "word", text: token.text } : token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }
}

/** The requirements of a label selector, by key. Throws {@link ParseError} in upstream's words. */
export function parseRequirements(text: string): Requirement[] {
  return new Parser(text).requirements().toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
