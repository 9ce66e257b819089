import { CelSyntaxError, type Expr, type MapEntry } from "./ast.ts";
import { type Token, tokenize } from "./lexer.ts";
import { expandMacro } from "./macros.ts";

/** As deep as upstream lets an expression nest. */
const MAX_DEPTH = 250;
const RESERVED = new Set([
  "as",
  "break",
  "const",
  "continue",
  "else",
  "for",
  "function",
  "if",
  "import",
  "let",
  "loop",
  "package",
  "namespace",
  "return",
  "var",
  "void",
  "while",
  "in",
]);
const MAX_INT = 2n ** 63n - 1n;

/** Reads an expression. Throws {@link CelSyntaxError}. */
export function parse(source: string): Expr {
  return new Parser(tokenize(source)).whole();
}

const RELATIONS: Readonly<Record<string, string>> = {
  "<": "_<_",
  "<=": "_<=_",
  ">": "_>_",
  ">=": "_>=_",
  "==": "_==_",
  "!=": "_!=_",
  in: "@in",
};
const SUMS: Readonly<Record<string, string>> = { "+": "_+_", "-": "_-_" };
const PRODUCTS: Readonly<Record<string, string>> = { "*": "_*_", "/": "_/_", "%": "_%_" };

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expr {
    const expr = this.#expr();
    if (this.#peek().kind !== "end") throw this.#unexpected("<EOF>");
    return expr;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #is(text: string): boolean {
    const token = this.#peek();
    return token.text === text && (token.kind === "op" || token.kind === "ident");
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(`'${text}'`);
  }

  #unexpected(expected: string): CelSyntaxError {
    const { text, at } = this.#peek();
    const shown = text === "<EOF>" ? text : `'${text}'`;
    return new CelSyntaxError(at, `Syntax error: mismatched input ${shown} expecting ${expected}`);
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) {
      throw new CelSyntaxError(this.#peek().at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
    }
    const result = read();
    this.#depth--;
    return result;
  }

  #expr(): Expr {
    return this.#nested(() => {
      const { at } = this.#peek();
      const test = this.#or();
      if (!this.#take("?")) return test;
      const then = this.#or();
      this.#expect(":");
      return { kind: "if", at, test, then, otherwise: this.#expr() };
    });
  }

  #or(): Expr {
    return this.#logical("||", "or", () => this.#logical("&&", "and", () => this.#relation()));
  }

  /** Balanced, so that long chains don't nest deep. */
  #logical(op: string, kind: "and" | "or", part: () => Expr): Expr {
    const parts = [part()];
    while (this.#take(op)) parts.push(part());
    const join = (from: number, to: number): Expr => {
      if (to - from === 1) return parts[from] as Expr;
      const middle = (from + to) >> 1;
      const left = join(from, middle);
      return { kind, at: left.at, left, right: join(middle, to) };
    };
    return join(0, parts.length);
  }

  #binary(table: Readonly<Record<string, string>>, part: () => Expr): Expr {
    let left = part();
    for (;;) {
      const token = this.#peek();
      const name = token.kind === "op" || token.text === "in" ? table[token.text] : undefined;
      if (name === undefined) return left;
      this.#next++;
      left = { kind: "call", at: token.at, name, args: [left, part()] };
    }
  }

  #relation(): Expr {
    return this.#binary(RELATIONS, () => this.#binary(SUMS, () => this.#binary(PRODUCTS, () => this.#unary())));
  }

  #unary(): Expr {
    const { at, kind, text } = this.#peek();
    if (kind !== "op" || (text !== "!" && text !== "-")) return this.#member();
    this.#next++;
    const after = this.#peek();
    if (
      text === "-" &&
      after.kind === "literal" &&
      (typeof after.value === "bigint" || typeof after.value === "number")
    ) {
      this.#next++;
      return this.#suffixes({ kind: "literal", at, value: -after.value });
    }
    const arg = this.#nested(() => this.#unary());
    return { kind: "call", at, name: text === "!" ? "!_" : "-_", args: [arg] };
  }

  #member(): Expr {
    return this.#suffixes(this.#primary());
  }

  #suffixes(start: Expr): Expr {
    let target = start;
    for (;;) {
      const { at } = this.#peek();
      if (this.#take(".")) {
        const optional = this.#take("?");
        const field = this.#fieldName();
        if (!optional && this.#is("(")) target = this.#call(field, at, target);
        else target = { kind: "select", at, target, field, optional };
      } else if (this.#take("[")) {
        const optional = this.#take("?");
        const index = this.#expr();
        this.#expect("]");
        target = { kind: "index", at, target, index, optional };
      } else return target;
    }
  }

  #fieldName(): string {
    const token = this.#peek();
    if (token.kind !== "ident" && token.kind !== "quoted") throw this.#unexpected("IDENTIFIER");
    if (token.kind === "ident" && token.text === "in") throw this.#unexpected("IDENTIFIER");
    this.#next++;
    return token.text;
  }

  #call(name: string, at: number, target?: Expr): Expr {
    this.#expect("(");
    const args = this.#list(")");
    const macro = expandMacro(name, at, target, args);
    if (macro) return macro;
    return { kind: "call", at, name, args, ...(target && { target }) };
  }

  #list(end: string): Expr[] {
    const items: Expr[] = [];
    while (!this.#take(end)) {
      items.push(this.#expr());
      if (!this.#take(",")) {
        this.#expect(end);
        return items;
      }
    }
    return items;
  }

  #primary(): Expr {
    const token = this.#peek();
    const { at, text } = token;
    if (token.kind === "literal") {
      this.#next++;
      if (typeof token.value === "bigint" && token.value > MAX_INT) {
        throw new CelSyntaxError(at, "Syntax error: invalid int literal");
      }
      return { kind: "literal", at, value: token.value };
    }
    if (token.kind === "ident") return this.#identifier();
    if (this.#take("(")) {
      const inner = this.#expr();
      this.#expect(")");
      return inner;
    }
    if (this.#take("[")) return this.#listLiteral(at);
    if (this.#take("{")) return this.#mapLiteral(at);
    if (this.#take(".")) return this.#identifier();
    const shown = text === "<EOF>" ? text : `'${text}'`;
    const wanted =
      "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
    throw new CelSyntaxError(at, `Syntax error: mismatched input ${shown} expecting ${wanted}`);
  }

  #identifier(): Expr {
    const { at, text } = this.#peek();
    this.#next++;
    if (text === "true" || text === "false") return { kind: "literal", at, value: text === "true" };
    if (text === "null") return { kind: "literal", at, value: null };
    if (RESERVED.has(text)) throw new CelSyntaxError(at, `Syntax error: reserved identifier: ${text}`);
    if (this.#is("(")) return this.#call(text, at);
    return { kind: "ident", at, name: text };
  }

  #listLiteral(at: number): Expr {
    const items: { value: Expr; optional: boolean }[] = [];
    while (!this.#take("]")) {
      const optional = this.#take("?");
      items.push({ value: this.#expr(), optional });
      if (!this.#take(",")) {
        this.#expect("]");
        break;
      }
    }
    return { kind: "list", at, items };
  }

  #mapLiteral(at: number): Expr {
    const entries: MapEntry[] = [];
    while (!this.#take("}")) {
      const optional = this.#take("?");
      const key = this.#expr();
      this.#expect(":");
      entries.push({ key, value: this.#expr(), optional });
      if (!this.#take(",")) {
        this.#expect("}");
        break;
      }
    }
    return { kind: "map", at, entries };
  }
}
