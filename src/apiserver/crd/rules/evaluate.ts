import { CelError, celTypeOf, type CelType, CostError, fromJson, Optional } from "../../../machinery/cel/index.ts";
import {
  deepEqual,
  duplicate,
  errorText,
  type FieldError,
  forbiddenField,
  invalidValue,
  OMITTED,
  required,
} from "../../../machinery/index.ts";
import { itemKeyOf, type Structural, type ValidationRule } from "../../../machinery/structural/index.ts";
import { type CompiledRule, compileRules } from "./compile.ts";

/** What one rule may cost, and all rules for one object. */
const RULE_LIMIT = 1_000_000;
const OBJECT_LIMIT = 10_000_000;

/** A schema's rules, compiled: a tree of the parts that have any. */
interface Node {
  readonly s: Structural;
  readonly type: CelType;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, Node>;
  readonly additional?: Node;
  readonly items?: Node;
}

/** One evaluation: what is left to spend, and what was found. */
interface Walk {
  budget: number;
  readonly errors: FieldError[];
  readonly warn: (message: string) => void;
}

/** Checks objects by the rules of a schema. */
export class RuleTree {
  readonly #root: Node;

  constructor(s: Structural) {
    this.#root = nodeOf(s, true) ?? { s, type: celTypeOf(s, true), rules: [], properties: new Map() };
  }

  /** `old` is absent for a new object. What did not change and breaks a rule is warned of. */
  check(object: unknown, old: unknown, warn: (message: string) => void): FieldError[] {
    const walk: Walk = { budget: OBJECT_LIMIT, errors: [], warn };
    visit(this.#root, object, old, "", walk);
    return walk.errors;
  }
}

function nodeOf(s: Structural, isRoot: boolean): Node | undefined {
  if (!s.hasRules) return undefined;
  const properties = new Map<string, Node>();
  for (const [name, property] of s.properties) {
    const node = nodeOf(property, false);
    if (node) properties.set(name, node);
  }
  const additional = typeof s.additional === "object" ? nodeOf(s.additional, false) : undefined;
  const items = s.items && nodeOf(s.items, false);
  const type = celTypeOf(s, isRoot);
  return {
    s,
    type,
    rules: compileRules(s, isRoot),
    properties,
    ...(additional && { additional }),
    ...(items && { items }),
  };
}

function visit(node: Node, value: unknown, old: unknown, path: string, walk: Walk): void {
  if (value === null || value === undefined || walk.budget < 0) return;
  if (node.rules.length > 0) runRules(node, value, old ?? undefined, path, walk);
  if (Array.isArray(value)) return visitItems(node, value, old, path, walk);
  if (typeof value !== "object") return;
  const before =
    typeof old === "object" && old !== null && !Array.isArray(old) ? (old as Record<string, unknown>) : undefined;
  const correlates = node.s.mapType !== "atomic";
  for (const [name, field] of Object.entries(value)) {
    const was = correlates && before && Object.hasOwn(before, name) ? before[name] : undefined;
    const property = node.properties.get(name);
    if (property) visit(property, field, was, path === "" ? name : `${path}.${name}`, walk);
    else if (node.additional && !node.s.properties.has(name))
      visit(node.additional, field, was, `${path}[${name}]`, walk);
  }
}

function visitItems(node: Node, list: readonly unknown[], old: unknown, path: string, walk: Walk): void {
  const { items, s } = node;
  if (!items) return;
  const keyed = s.listType === "map" && Array.isArray(old);
  const before = keyed ? new Map(old.map((item) => [itemKeyOf(item, s.listKeys), item as unknown])) : undefined;
  for (const [i, item] of list.entries())
    visit(items, item, before?.get(itemKeyOf(item, s.listKeys)), `${path}[${i}]`, walk);
}

function runRules(node: Node, value: unknown, old: unknown, path: string, walk: Walk): void {
  const { s, type } = node;
  const wrong = (detail: string): void => void walk.errors.push(invalidValue(path, s.type, detail));
  const self = fromJson(value, type);
  const before = old === undefined ? undefined : fromJson(old, type);
  let unchanged: boolean | undefined;
  for (const compiled of node.rules) {
    const { rule, program } = compiled;
    if (!program) {
      wrong(`rule compile error: ${compiled.error}`);
      continue;
    }
    const optional = rule.optionalOldSelf === true;
    if (compiled.isTransition && before === undefined && !optional) continue;
    const oldSelf = optional ? (before === undefined ? Optional.none : Optional.of(before)) : before;
    const variables = { self, oldSelf };
    try {
      const { value: holds, cost } = program.run(variables, Math.min(RULE_LIMIT, Math.max(1, walk.budget)));
      walk.budget -= cost;
      if (holds === true) continue;
    } catch (error) {
      if (!(error instanceof CelError || error instanceof CostError)) throw error;
      if (error instanceof CostError) {
        const spent = walk.budget < RULE_LIMIT;
        wrong(
          spent
            ? "validation failed due to running out of cost budget, no further validation rules will be run"
            : `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${shownRule(rule)}`,
        );
        walk.budget = -1;
        return;
      }
      wrong(
        error.message.startsWith("no such overload")
          ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${shownRule(rule)}`
          : `${error.message} evaluating rule: ${shownRule(rule)}`,
      );
      continue;
    }
    const failure = failureOf(compiled, s, value, path, variables, walk);
    unchanged ??= old !== undefined && deepEqual(value, old);
    if (unchanged && !compiled.isTransition) walk.warn(errorText(failure));
    else walk.errors.push(failure);
  }
}

function shownRule({ message, rule }: ValidationRule): string {
  return message ? message.trim() : rule.trim();
}

function failureOf(
  { rule, message }: CompiledRule,
  s: Structural,
  value: unknown,
  path: string,
  variables: Readonly<Record<string, unknown>>,
  walk: Walk,
): FieldError {
  const at = `${path}${rule.fieldPath ?? ""}`.replace(/^\./, "");
  const detail =
    (message && messageOf(message, variables, walk)) ??
    (rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`);
  const shown = s.type === "object" || s.type === "array" ? OMITTED : value;
  switch (rule.reason) {
    case "FieldValueForbidden":
      return forbiddenField(at, detail);
    case "FieldValueRequired":
      return required(at, detail);
    case "FieldValueDuplicate":
      return { ...duplicate(at, shown), detail };
    default:
      return invalidValue(at, shown, detail);
  }
}

const MAX_MESSAGE = 5 * 1024;

/** The message that an expression makes; undefined: it fails, or makes none that could be shown. */
function messageOf(
  program: NonNullable<CompiledRule["message"]>,
  variables: Readonly<Record<string, unknown>>,
  walk: Walk,
): string | undefined {
  try {
    const { value, cost } = program.run(variables, Math.min(RULE_LIMIT, Math.max(1, walk.budget)));
    walk.budget -= cost;
    const text = typeof value === "string" ? value.trim() : "";
    return text === "" || text.length > MAX_MESSAGE || /[\n\r]/.test(text) ? undefined : text;
  } catch (error) {
    if (error instanceof CelError || error instanceof CostError) return undefined;
    throw error;
  }
}
