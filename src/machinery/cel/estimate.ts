import type { Expr } from "./ast.ts";
import { type Checked, maxOf } from "./check.ts";

/** What a turn of a loop costs at most beside its body, as upstream estimates it. */
const TURN = 3;

/** The worst case: what an expression may cost for the largest values that its types allow. */
export function estimateCost(checked: Checked): number {
  const size = (expr: Expr): number => {
    const type = checked.types.get(expr);
    return (type && maxOf(type)) ?? 1;
  };
  const cost = (expr: Expr): number => {
    switch (expr.kind) {
      case "literal":
        return 0;
      case "ident":
        return 1;
      case "select":
      case "has":
        return cost(expr.target) + 1;
      case "index":
        return cost(expr.target) + cost(expr.index) + 1;
      case "and":
      case "or":
        return cost(expr.left) + cost(expr.right);
      case "if":
        return cost(expr.test) + Math.max(cost(expr.then), cost(expr.otherwise));
      case "list":
        return 10 + expr.items.reduce((sum, { value }) => sum + cost(value), 0);
      case "map":
        return 30 + expr.entries.reduce((sum, { key, value }) => sum + cost(key) + cost(value), 0);
      case "bind":
        return cost(expr.value) + cost(expr.body);
      case "loop":
        return cost(expr.range) + size(expr.range) * (cost(expr.body) + (expr.filter ? cost(expr.filter) : 0) + TURN);
      case "call": {
        const overloads = checked.overloads.get(expr) ?? [];
        const args = overloads[0]?.member && expr.target ? [expr.target, ...expr.args] : expr.args;
        const sizes = args.map(size);
        const work = Math.max(0, ...overloads.map((one) => one.work?.(sizes) ?? 0));
        return args.reduce((sum, arg) => sum + cost(arg), 1 + work);
      }
    }
  };
  return cost(checked.expr);
}
