import { type DefaultRule, defaultRules } from "../../../api/index.ts";
import { isJsonObject, type JsonObject } from "../../objects/fields.ts";
import { Quantity } from "../../values/quantity.ts";
import type { Shape } from "../model.ts";
import { tableFor } from "../structure.ts";
import type { TypeTable } from "../model.ts";
import { compileRule } from "./compile-rule.ts";
import type { DefaultsOptions, Rule } from "./context.ts";

/** What to do with one type: its own rules, then the fields below which there are more. */
interface Steps {
  readonly rules: readonly Rule[];
  readonly fields: readonly (readonly [name: string, visit: Visit])[];
}

type Visit = (value: unknown, options: DefaultsOptions) => void;

const compiled = new Map<TypeTable, Steps | undefined>();

/**
 * Fills in what the server fills in when it decodes an object of a built-in type, in place; gives the object back. Rules run wherever
 * their type occurs, parents before children, and only on unset fields. Other objects stay as they are.
 */
export function applyDefaults<T extends object>(
  object: T,
  options: DefaultsOptions & { readonly type?: TypeTable | string } = {},
): T {
  const table = tableFor(object, options.type);
  const steps = table && stepsOf(table);
  if (steps) run(steps, object as JsonObject, options);
  return object;
}

function run(steps: Steps, object: JsonObject, options: DefaultsOptions): void {
  for (const rule of steps.rules) rule(object, options);
  for (const [name, visit] of steps.fields) {
    const value = object[name];
    if (value !== undefined && value !== null) visit(value, options);
  }
}

/** The steps of a type; undefined when nothing in it has a default. */
function stepsOf(table: TypeTable): Steps | undefined {
  if (compiled.has(table)) return compiled.get(table);
  const fields: [string, Visit][] = [];
  const steps: Steps = { rules: rulesOf(table), fields };
  compiled.set(table, steps);
  for (const field of table.fields) {
    const visit = visitOf(field.shape, table);
    if (visit) {
      fields.push([field.name, visit]);
      // Go defaults a struct that is part of its parent even when JSON does not mention it.
      if (field.shape.kind === "struct" && !field.pointer) (steps.rules as Rule[]).push(ensure(field.name));
    }
  }
  if (steps.rules.length > 0 || fields.length > 0) return steps;
  compiled.set(table, undefined);
  return undefined;
}

function ensure(name: string): Rule {
  return (object) => {
    if (!isJsonObject(object[name])) object[name] = {};
  };
}

function rulesOf(table: TypeTable): Rule[] {
  const { types, markers } = defaultRules();
  const facts: DefaultRule[] = [...(types[table.name] ?? [])];
  for (const field of table.fields) {
    const marker = `${table.name}.${field.name}`;
    if (Object.hasOwn(markers, marker)) facts.push({ path: field.name, value: markers[marker] });
  }
  const late = facts.filter((f) => f.ifWasUnset);
  const rules = facts.filter((f) => !f.ifWasUnset).map((fact) => compileRule(fact, table));
  // What was unset before the others ran is asked before they run.
  return [...late.map((fact) => compileRule(fact, table)), ...rules];
}

function visitOf(shape: Shape, owner: TypeTable): Visit | undefined {
  if (shape.kind === "struct") return visitStruct(shape);
  if (shape.kind !== "list" && shape.kind !== "map") return undefined;
  if (shape.kind === "map" && shape.item.kind === "quantity")
    return owner.name.startsWith("resource.") ? undefined : roundUp;
  const visit = visitOf(shape.item, owner);
  if (!visit) return undefined;
  if (shape.kind === "map")
    return (value, options) => Object.values(value as JsonObject).forEach((item) => visit(item, options));
  return (value, options) => {
    for (const item of value as readonly unknown[]) visit(item, options);
  };
}

/** Recursion through a type that is being compiled is followed when it runs. */
function visitStruct(shape: Shape & { kind: "struct" }): Visit | undefined {
  const { table } = shape;
  if (compiled.has(table) ? !compiled.get(table) : !stepsOf(table)) return undefined;
  return (value, options) => {
    const steps = stepsOf(table);
    if (steps && isJsonObject(value)) run(steps, value, options);
  };
}

const WHOLE = /^[0-9]+(?:m|[kMGTPE]i?|Ki)?$/;

/** Amounts in a ResourceList are no finer than a thousandth. */
function roundUp(value: unknown): void {
  const amounts = value as JsonObject;
  for (const name of Object.keys(amounts)) {
    const amount = amounts[name];
    if (typeof amount === "string" && WHOLE.test(amount)) continue;
    const quantity = Quantity.tryParse(amount as string);
    const rounded = quantity?.roundUp(-3);
    if (quantity && rounded !== quantity) amounts[name] = rounded?.toString();
  }
}
