import type { Expr } from "./ast.ts";
import { CelError, type CelValue, CostError } from "./values.ts";

/** One evaluation: the variables' values, and what it has cost. */
export interface Frame {
  readonly vars: CelValue[];
  cost: number;
  readonly limit: number;
}

/** A compiled part of an expression. */
export type Code = (frame: Frame) => CelValue;

/** Which place in a frame each variable has. */
export type Slots = ReadonlyMap<string, number>;

/** Counts cost; throws when it is too much. */
export function spend(frame: Frame, cost: number): void {
  frame.cost += cost;
  if (frame.cost > frame.limit) throw new CostError();
}

/** The slots with one more variable, which hides others of its name. */
export function withSlot(slots: Slots, name: string, slot: number): Slots {
  const next = new Map(slots);
  next.set(name, slot);
  // Every level takes a place of its own, also when it hides a name: a hidden variable keeps its value.
  if (next.size === slots.size) next.set(`@hidden:${slot}`, slot);
  return next;
}

/** A boolean; throws for all else. */
export function boolOf(value: CelValue): boolean {
  if (typeof value === "boolean") return value;
  throw new CelError("no such overload");
}

/** Compiles a part of the expression at hand. */
export interface PartCompiler {
  code(expr: Expr, slots: Slots): Code;
}
