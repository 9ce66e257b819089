import { CelSyntaxError, type Expr, type LoopKind } from "./ast.ts";

const LOOPS: Readonly<Record<string, { loop: LoopKind; variables: readonly number[]; filter?: true }>> = {
  all: { loop: "all", variables: [1, 2] },
  exists: { loop: "exists", variables: [1, 2] },
  exists_one: { loop: "existsOne", variables: [1] },
  existsOne: { loop: "existsOne", variables: [1, 2] },
  filter: { loop: "filter", variables: [1] },
  map: { loop: "map", variables: [1], filter: true },
  transformList: { loop: "map", variables: [2], filter: true },
  transformMap: { loop: "transformMap", variables: [2], filter: true },
  transformMapEntry: { loop: "transformMapEntry", variables: [2], filter: true },
};

/** What a call stands for when its name is a macro's; undefined: it is a plain call. */
export function expandMacro(
  name: string,
  at: number,
  target: Expr | undefined,
  args: readonly Expr[],
): Expr | undefined {
  if (!target) return name === "has" && args.length === 1 ? has(at, args[0] as Expr) : undefined;
  if (target.kind === "ident" && target.name === "cel" && name === "bind" && args.length === 3) {
    const [variable, value, body] = args as [Expr, Expr, Expr];
    return { kind: "bind", at, name: variableOf(variable), value, body };
  }
  if ((name === "optMap" || name === "optFlatMap") && args.length === 2) return optional(name, at, target, args);
  const rule = LOOPS[name];
  const loop = rule?.variables.find((count) => args.length === count + 1 || (rule.filter && args.length === count + 2));
  if (!rule || loop === undefined) return undefined;
  const names = args.slice(0, loop).map(variableOf);
  if (new Set(names).size < names.length) {
    throw new CelSyntaxError(at, `duplicate variable name: ${names[0]}`);
  }
  const body = args.at(-1) as Expr;
  const filter = args.length === loop + 2 ? args[loop] : undefined;
  return { kind: "loop", at, loop: rule.loop, range: target, names, body, ...(filter && { filter }) };
}

function has(at: number, arg: Expr): Expr {
  if (arg.kind !== "select") throw new CelSyntaxError(arg.at, "invalid argument to has() macro");
  return { kind: "has", at, target: arg.target, field: arg.field };
}

function variableOf(expr: Expr): string {
  if (expr.kind !== "ident") throw new CelSyntaxError(expr.at, "argument must be a simple name");
  return expr.name;
}

/** `o.optMap(v, e)` is `o.hasValue() ? optional.of(e with v = o.value()) : optional.none()`. */
function optional(name: string, at: number, target: Expr, args: readonly Expr[]): Expr {
  const [variable, body] = args as [Expr, Expr];
  const held = `@opt:${at}`;
  const ident: Expr = { kind: "ident", at, name: held };
  const library: Expr = { kind: "ident", at, name: "optional" };
  const inner: Expr = {
    kind: "bind",
    at,
    name: variableOf(variable),
    value: { kind: "call", at, name: "value", target: ident, args: [] },
    body,
  };
  const then: Expr = name === "optFlatMap" ? inner : { kind: "call", at, name: "of", target: library, args: [inner] };
  const test: Expr = { kind: "call", at, name: "hasValue", target: ident, args: [] };
  const otherwise: Expr = { kind: "call", at, name: "none", target: library, args: [] };
  return { kind: "bind", at, name: held, value: target, body: { kind: "if", at, test, then, otherwise } };
}
