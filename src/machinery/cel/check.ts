import type { Expr } from "./ast.ts";
import type { Functions, Overload } from "./functions.ts";
import {
  assignable,
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DYN,
  INT,
  joinTypes,
  listType,
  mapType,
  NULL,
  optionalType,
  showType,
  STRING,
  substitute,
  UINT,
} from "./types.ts";
import { Uint } from "./values.ts";

/** What expressions may refer to. */
export interface Environment {
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: Functions;
}

export interface Fault {
  readonly at: number;
  readonly message: string;
}

/** What is known of an expression before it runs. */
export interface Checked {
  readonly expr: Expr;
  readonly type: CelType;
  readonly types: ReadonlyMap<Expr, CelType>;
  /** The forms that a call may take; by its arguments' values one of them is chosen. */
  readonly overloads: ReadonlyMap<Expr, readonly Overload[]>;
  /** Variables that it uses. */
  readonly uses: ReadonlySet<string>;
  readonly faults: readonly Fault[];
}

type Scope = ReadonlyMap<string, CelType>;

/** Finds the types of an expression and of all its parts. What is of no known type is let pass until it runs. */
export function check(expr: Expr, environment: Environment): Checked {
  const checker = new Checker(environment);
  const type = checker.type(expr, environment.variables);
  return { expr, type, types: checker.types, overloads: checker.overloads, uses: checker.uses, faults: checker.faults };
}

class Checker {
  readonly types = new Map<Expr, CelType>();
  readonly overloads = new Map<Expr, readonly Overload[]>();
  readonly uses = new Set<string>();
  readonly faults: Fault[] = [];
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  type(expr: Expr, scope: Scope): CelType {
    const type = this.#typeOf(expr, scope);
    this.types.set(expr, type);
    return type;
  }

  #fault(at: number, message: string): CelType {
    this.faults.push({ at, message });
    return DYN;
  }

  #typeOf(expr: Expr, scope: Scope): CelType {
    switch (expr.kind) {
      case "literal":
        return literalType(expr.value);
      case "ident":
        return this.#ident(expr, scope);
      case "select":
        return this.#select(expr, scope);
      case "has": {
        const target = this.type(expr.target, scope);
        this.#fieldOf(target, expr.field, expr.at);
        return BOOL;
      }
      case "index":
        return this.#index(expr, scope);
      case "call":
        return this.#call(expr, scope);
      case "and":
      case "or":
        this.#mustBeBool(expr.left, scope, expr.kind === "and" ? "_&&_" : "_||_");
        this.#mustBeBool(expr.right, scope, expr.kind === "and" ? "_&&_" : "_||_");
        return BOOL;
      case "if":
        this.#mustBeBool(expr.test, scope, "_?_:_");
        return this.#branches(expr, scope);
      case "list":
        return listType(
          expr.items
            .map(({ value }) => this.type(value, scope))
            .reduce<CelType | undefined>((a, b) => (a ? joinTypes(a, b) : b), undefined) ?? DYN,
          expr.items.length,
        );
      case "map": {
        const join = (a: CelType | undefined, b: CelType): CelType => (a ? joinTypes(a, b) : b);
        const key = expr.entries
          .map((entry) => this.type(entry.key, scope))
          .reduce<CelType | undefined>(join, undefined);
        const value = expr.entries
          .map((entry) => this.type(entry.value, scope))
          .reduce<CelType | undefined>(join, undefined);
        return mapType(key ?? DYN, value ?? DYN, expr.entries.length);
      }
      case "bind":
        return this.type(expr.body, new Map(scope).set(expr.name, this.type(expr.value, scope)));
      case "loop":
        return this.#loop(expr, scope);
    }
  }

  #ident(expr: Expr & { kind: "ident" }, scope: Scope): CelType {
    const type = scope.get(expr.name);
    if (type) {
      this.uses.add(expr.name);
      return type;
    }
    if (TYPE_NAMES.has(expr.name)) return { kind: "type" };
    return this.#fault(expr.at, `undeclared reference to '${expr.name}' (in container '')`);
  }

  #select(expr: Expr & { kind: "select" }, scope: Scope): CelType {
    const name = qualified(expr);
    if (name && TYPE_NAMES.has(name) && !scope.has(name.slice(0, name.indexOf(".")))) return { kind: "type" };
    const target = this.type(expr.target, scope);
    const inner = target.kind === "optional" ? target.of : target;
    const field = this.#fieldOf(inner, expr.field, expr.at);
    return expr.optional || target.kind === "optional" ? optionalType(field) : field;
  }

  #fieldOf(target: CelType, field: string, at: number): CelType {
    switch (target.kind) {
      case "dyn":
      case "var":
        return DYN;
      case "map":
        return target.value;
      case "optional":
        return this.#fieldOf(target.of, field, at);
      case "object":
        return target.fields.get(field) ?? (target.open ? DYN : this.#fault(at, `undefined field '${field}'`));
      default:
        return this.#fault(at, `type '${showType(target)}' does not support field selection`);
    }
  }

  #index(expr: Expr & { kind: "index" }, scope: Scope): CelType {
    const target = this.type(expr.target, scope);
    const index = this.type(expr.index, scope);
    const inner = target.kind === "optional" ? target.of : target;
    const found = this.#itemOf(inner, index, expr.at);
    return expr.optional || target.kind === "optional" ? optionalType(found) : found;
  }

  #itemOf(target: CelType, index: CelType, at: number): CelType {
    if (target.kind === "dyn" || target.kind === "var") return DYN;
    if (target.kind === "list" && assignable(INT, index, new Map())) return target.item;
    if (target.kind === "map" && assignable(target.key, index, new Map())) return target.value;
    if (target.kind === "object" && target.open) return DYN;
    return this.#fault(
      at,
      `found no matching overload for '_[_]' applied to '(${showType(target)}, ${showType(index)})'`,
    );
  }

  #mustBeBool(expr: Expr, scope: Scope, operator: string): void {
    const type = this.type(expr, scope);
    if (type.kind === "bool" || type.kind === "dyn") return;
    this.#fault(expr.at, `expected type 'bool' but found '${showType(type)}' in '${operator}'`);
  }

  #branches(expr: Expr & { kind: "if" }, scope: Scope): CelType {
    const [then, otherwise] = [this.type(expr.then, scope), this.type(expr.otherwise, scope)];
    if (!assignable(then, otherwise, new Map()) && !assignable(otherwise, then, new Map())) {
      return this.#fault(
        expr.at,
        `found no matching overload for '_?_:_' applied to '(bool, ${showType(then)}, ${showType(otherwise)})'`,
      );
    }
    const type = joinTypes(then, otherwise);
    const sizes = [maxOf(then), maxOf(otherwise)];
    if (!("max" in type) || sizes.includes(undefined)) return type;
    return { ...type, max: Math.max(...(sizes as number[])) };
  }

  #call(expr: Expr & { kind: "call" }, scope: Scope): CelType {
    const { members, globals } = this.#environment.functions;
    const namespace = expr.target && qualified(expr.target);
    const isNamespace =
      namespace !== undefined && !scope.has(namespace.split(".")[0] ?? "") && globals.has(`${namespace}.${expr.name}`);
    const args = expr.args.map((arg) => this.type(arg, scope));
    const target = expr.target && !isNamespace ? this.type(expr.target, scope) : undefined;
    const all = target ? members.get(expr.name) : globals.get(isNamespace ? `${namespace}.${expr.name}` : expr.name);
    if (!all) return this.#fault(expr.at, `undeclared reference to '${expr.name}' (in container '')`);
    const given = target ? [target, ...args] : args;
    const fitting = all.filter((one) => one.args.length === given.length && matches(one, given));
    if (fitting.length === 0) {
      const shown = args.map(showType).join(", ");
      const applied = target ? `${showType(target)}.(${shown})` : `(${shown})`;
      return this.#fault(expr.at, `found no matching overload for '${expr.name}' applied to '${applied}'`);
    }
    this.overloads.set(expr, fitting);
    const results = fitting.map((one) => resultOf(one, given));
    return results.reduce((a, b) => (a === b ? a : joinSame(a, b)));
  }

  #loop(expr: Expr & { kind: "loop" }, scope: Scope): CelType {
    const range = this.type(expr.range, scope);
    const [index, item] = partsOf(range);
    if (!item)
      return this.#fault(
        expr.range.at,
        `expression of type '${showType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
    const [first = "", second] = expr.names;
    const inner = new Map(scope);
    // With one name it is a list's item or a map's key, with two position or key, and value.
    if (second === undefined) inner.set(first, range.kind === "list" ? item : index);
    else inner.set(first, index).set(second, item);
    if (expr.filter) this.#mustBeBool(expr.filter, inner, "_&&_");
    if (expr.loop === "all" || expr.loop === "exists" || expr.loop === "existsOne" || expr.loop === "filter") {
      this.#mustBeBool(expr.body, inner, "_&&_");
      return expr.loop === "filter" ? (range.kind === "list" ? range : listType(index, maxOf(range))) : BOOL;
    }
    const body = this.type(expr.body, inner);
    if (expr.loop === "map") return listType(body, maxOf(range));
    if (expr.loop === "transformMap") return mapType(index, body, maxOf(range));
    return body.kind === "map" ? body : mapType(DYN, DYN, maxOf(range));
  }
}

/** The types of keys (or positions) and of values of what a loop goes over; no value: it can't. */
function partsOf(range: CelType): [CelType, CelType | undefined] {
  if (range.kind === "list") return [INT, range.item];
  if (range.kind === "map") return [range.key, range.value];
  return [DYN, range.kind === "dyn" || range.kind === "object" ? DYN : undefined];
}

function matches(overload: Overload, given: readonly CelType[]): boolean {
  const bound = new Map<string, CelType>();
  return overload.args.every((wanted, i) => assignable(wanted, given[i] ?? DYN, bound));
}

function resultOf(overload: Overload, given: readonly CelType[]): CelType {
  const bound = new Map<string, CelType>();
  for (const [i, wanted] of overload.args.entries()) assignable(wanted, given[i] ?? DYN, bound);
  const type = substitute(overload.result, bound);
  if (
    !overload.grows ||
    !(type.kind === "string" || type.kind === "list" || type.kind === "bytes" || type.kind === "map")
  )
    return type;
  return { ...type, max: overload.grows(given.map((one) => maxOf(one) ?? 1)) };
}

function joinSame(a: CelType, b: CelType): CelType {
  return a.kind === b.kind && assignable(a, b, new Map()) ? a : DYN;
}

/** How large a value of the type is at most, where that is known. */
export function maxOf(type: CelType): number | undefined {
  return "max" in type ? type.max : type.kind === "optional" ? maxOf(type.of) : undefined;
}

/** `a.b.c` as a name; undefined for all else. */
export function qualified(expr: Expr): string | undefined {
  if (expr.kind === "ident") return expr.name;
  if (expr.kind !== "select" || expr.optional) return undefined;
  const target = qualified(expr.target);
  return target === undefined ? undefined : `${target}.${expr.field}`;
}

/** Names that stand for types. */
export const TYPE_NAMES: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "type",
  "uint",
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "optional_type",
  "kubernetes.Quantity",
  "kubernetes.URL",
  "net.IP",
  "net.CIDR",
  "kubernetes.Semver",
]);

function literalType(value: unknown): CelType {
  switch (typeof value) {
    case "bigint":
      return INT;
    case "number":
      return DOUBLE;
    case "boolean":
      return BOOL;
    case "string":
      return { ...STRING, max: value.length } as CelType;
  }
  if (value === null) return NULL;
  return value instanceof Uint ? UINT : BYTES;
}
