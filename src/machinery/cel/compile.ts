import type { Expr } from "./ast.ts";
import { type Checked, qualified, TYPE_NAMES } from "./check.ts";
import { boolOf, type Code, type Slots, spend, withSlot } from "./frame.ts";
import { type Overload, sizeOf } from "./functions.ts";
import { compileLoop } from "./loops.ts";
import { fits } from "./types.ts";
import { CelError, type CelMap, type CelValue, isMap, Optional, PlainMap, typeNameOf, TypeValue } from "./values.ts";

/** Makes closures of a checked expression. */
export function compile(checked: Checked, slots: Slots): Code {
  return new Compiler(checked).code(checked.expr, slots);
}

/** What compiles the parts. */
export class Compiler {
  readonly #checked: Checked;

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  code(expr: Expr, slots: Slots): Code {
    switch (expr.kind) {
      case "literal": {
        const { value } = expr;
        return () => value;
      }
      case "ident":
        return this.#ident(expr, slots);
      case "select":
        return this.#select(expr, slots);
      case "has":
        return this.#has(expr, slots);
      case "index":
        return this.#index(expr, slots);
      case "call":
        return this.#call(expr, slots);
      case "and":
        return logical(this.code(expr.left, slots), this.code(expr.right, slots), false);
      case "or":
        return logical(this.code(expr.left, slots), this.code(expr.right, slots), true);
      case "if": {
        const [test, then, otherwise] = [
          this.code(expr.test, slots),
          this.code(expr.then, slots),
          this.code(expr.otherwise, slots),
        ];
        return (frame) => (boolOf(test(frame)) ? then(frame) : otherwise(frame));
      }
      case "list":
        return this.#list(expr, slots);
      case "map":
        return this.#map(expr, slots);
      case "bind": {
        const value = this.code(expr.value, slots);
        const slot = slots.size;
        const body = this.code(expr.body, withSlot(slots, expr.name, slot));
        return (frame) => {
          frame.vars[slot] = value(frame);
          return body(frame);
        };
      }
      case "loop":
        return compileLoop(this, expr, slots);
    }
  }

  #ident(expr: Expr & { kind: "ident" }, slots: Slots): Code {
    const slot = slots.get(expr.name);
    if (slot === undefined) {
      const type = new TypeValue(expr.name);
      return () => type;
    }
    return (frame) => {
      spend(frame, 1);
      const value = frame.vars[slot];
      if (value === undefined) throw new CelError(`no such attribute(s): ${expr.name}`);
      return value;
    };
  }

  #select(expr: Expr & { kind: "select" }, slots: Slots): Code {
    const name = qualified(expr);
    if (name && TYPE_NAMES.has(name) && !slots.has(name.slice(0, name.indexOf(".")))) {
      const type = new TypeValue(name);
      return () => type;
    }
    const target = this.code(expr.target, slots);
    const { field, optional } = expr;
    return (frame) => {
      const from = target(frame);
      spend(frame, 1);
      if (!optional && !(from instanceof Optional)) return fieldOf(from, field);
      return optionalField(from, field);
    };
  }

  #has(expr: Expr & { kind: "has" }, slots: Slots): Code {
    const target = this.code(expr.target, slots);
    const { field } = expr;
    return (frame) => {
      const from = target(frame);
      spend(frame, 1);
      const value = from instanceof Optional ? (from.present ? from.value : undefined) : from;
      if (value === undefined) return false;
      return mapOf(value, field).has(field);
    };
  }

  #index(expr: Expr & { kind: "index" }, slots: Slots): Code {
    const [target, index] = [this.code(expr.target, slots), this.code(expr.index, slots)];
    const { optional } = expr;
    return (frame) => {
      const from = target(frame);
      const key = index(frame);
      spend(frame, 1);
      if (!optional && !(from instanceof Optional)) return itemOf(from, key);
      const inner = from instanceof Optional ? (from.present ? from.value : undefined) : from;
      const found = inner === undefined ? undefined : lookUp(inner, key);
      return found === undefined ? Optional.none : Optional.of(found);
    };
  }

  #call(expr: Expr & { kind: "call" }, slots: Slots): Code {
    const overloads = this.#checked.overloads.get(expr) ?? [];
    const isMember = overloads[0]?.member === true;
    const codes = (isMember && expr.target ? [expr.target, ...expr.args] : expr.args).map((arg) =>
      this.code(arg, slots),
    );
    const [only] = overloads;
    const pick = (args: readonly CelValue[]): Overload => {
      for (const one of overloads) if (one.args.every((type, i) => fits(type, args[i]))) return one;
      throw new CelError(`no such overload: ${expr.name}(${args.map(typeNameOf).join(", ")})`);
    };
    const sure =
      overloads.length === 1 && only?.args.every((type) => type.kind === "dyn" || type.kind === "var")
        ? only
        : undefined;
    return (frame) => {
      const args: CelValue[] = [];
      for (const code of codes) args.push(code(frame));
      const overload = sure ?? pick(args);
      spend(frame, 1 + (overload.work ? overload.work(args.map(sizeOf)) : 0));
      return overload.call(...args);
    };
  }

  #list(expr: Expr & { kind: "list" }, slots: Slots): Code {
    const items = expr.items.map(({ value, optional }) => ({ code: this.code(value, slots), optional }));
    return (frame) => {
      spend(frame, 10);
      const list: CelValue[] = [];
      for (const { code, optional } of items) {
        const value = code(frame);
        if (!optional) list.push(value);
        else if (value instanceof Optional && value.present) list.push(value.value);
      }
      return list;
    };
  }

  #map(expr: Expr & { kind: "map" }, slots: Slots): Code {
    const entries = expr.entries.map(({ key, value, optional }) => ({
      key: this.code(key, slots),
      value: this.code(value, slots),
      optional,
    }));
    return (frame) => {
      spend(frame, 30);
      const map = new PlainMap();
      for (const { key, value, optional } of entries) {
        const [k, v] = [key(frame), value(frame)];
        if (map.has(k)) throw new CelError(`Failed with repeated key`);
        if (!optional) map.set(k, v);
        else if (v instanceof Optional && v.present) map.set(k, v.value);
      }
      return map;
    };
  }
}

/** `&&` and `||`: an error of one side does not matter when the other decides. */
function logical(left: Code, right: Code, decides: boolean): Code {
  return (frame) => {
    let first: boolean;
    try {
      first = boolOf(left(frame));
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      if (boolOf(right(frame)) === decides) return decides;
      throw error;
    }
    return first === decides ? decides : boolOf(right(frame));
  };
}

function mapOf(value: CelValue, field: string): CelMap {
  if (isMap(value)) return value;
  throw new CelError(
    value === null || typeof value !== "object" ? `no such key: ${field}` : "unsupported type for field selection",
  );
}

function fieldOf(from: CelValue, field: string): CelValue {
  const found = mapOf(from, field).get(field);
  if (found === undefined) throw new CelError(`no such key: ${field}`);
  return found;
}

function optionalField(from: CelValue, field: string): CelValue {
  const inner = from instanceof Optional ? (from.present ? from.value : undefined) : from;
  if (inner === undefined) return Optional.none;
  const found = mapOf(inner, field).get(field);
  return found === undefined ? Optional.none : Optional.of(found);
}

function lookUp(from: CelValue, key: CelValue): CelValue | undefined {
  if (Array.isArray(from)) return typeof key === "bigint" ? (from as CelValue[])[Number(key)] : undefined;
  return isMap(from) ? from.get(key) : undefined;
}

function itemOf(from: CelValue, key: CelValue): CelValue {
  const found = lookUp(from, typeof key === "number" && Number.isInteger(key) ? BigInt(key) : key);
  if (found !== undefined) return found;
  if (Array.isArray(from)) {
    if (typeof key === "bigint") throw new CelError(`index out of bounds: ${key}`);
    throw new CelError(`unsupported index type '${typeNameOf(key)}' in list`);
  }
  if (isMap(from)) throw new CelError(`no such key: ${String(key as string)}`);
  throw new CelError("no such overload");
}
