/** Where in the source a node begins: a position in its text. */
interface Base {
  readonly at: number;
}

/** One node of an expression, macros expanded. */
export type Expr =
  | (Base & { readonly kind: "literal"; readonly value: unknown })
  | (Base & { readonly kind: "ident"; readonly name: string })
  | (Base & { readonly kind: "select"; readonly target: Expr; readonly field: string; readonly optional: boolean })
  /** `has(target.field)`. */
  | (Base & { readonly kind: "has"; readonly target: Expr; readonly field: string })
  | (Base & { readonly kind: "index"; readonly target: Expr; readonly index: Expr; readonly optional: boolean })
  | (Base & { readonly kind: "call"; readonly name: string; readonly target?: Expr; readonly args: readonly Expr[] })
  | (Base & { readonly kind: "and" | "or"; readonly left: Expr; readonly right: Expr })
  | (Base & { readonly kind: "if"; readonly test: Expr; readonly then: Expr; readonly otherwise: Expr })
  | (Base & { readonly kind: "list"; readonly items: readonly { readonly value: Expr; readonly optional: boolean }[] })
  | (Base & { readonly kind: "map"; readonly entries: readonly MapEntry[] })
  | (Base & { readonly kind: "bind"; readonly name: string; readonly value: Expr; readonly body: Expr })
  | (Base & {
      readonly kind: "loop";
      readonly loop: LoopKind;
      readonly range: Expr;
      readonly names: readonly string[];
      readonly filter?: Expr;
      readonly body: Expr;
    });

export interface MapEntry {
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

/** The comprehensions: what the macros over lists and maps become. */
export type LoopKind = "all" | "exists" | "existsOne" | "map" | "filter" | "transformMap" | "transformMapEntry";

/** A fault in an expression, with its place. */
export class CelSyntaxError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** A fault as upstream prints it: place, message, the line and a mark below it. */
export function describeFault(source: string, at: number, message: string): string {
  const before = source.slice(0, at);
  const line = before.split("\n").length;
  const column = at - (before.lastIndexOf("\n") + 1);
  const text = source.split("\n")[line - 1] ?? "";
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${".".repeat(column)}^`;
}
