import type { DefaultRule } from "../../../api/index.ts";
import { deepClone } from "../../objects/clone.ts";
import type { JsonObject } from "../../objects/fields.ts";
import type { TypeTable } from "../model.ts";
import { gateOn, type Rule } from "./context.ts";
import { type Value, valueRule, wholeRule } from "./named-rules.ts";
import { eachItem, fieldAt, isUnset, readPath, splitPath, writePath } from "./paths.ts";

/** A condition on the struct, or on the list item that the rule is at. */
type Test = (owner: JsonObject, item: JsonObject) => boolean;

/** Turns one rule of the facts into a function. Throws when the facts say something that nothing here knows. */
export function compileRule(fact: DefaultRule, table: TypeTable): Rule {
  const { gate } = fact;
  const rule = ungated(fact, table);
  return gate === undefined ? rule : (object, options) => void (gateOn(options, gate) && rule(object, options));
}

function ungated(fact: DefaultRule, table: TypeTable): Rule {
  const whole = fact.rule === undefined ? undefined : wholeRule(fact.path, fact.rule);
  const at = fact.path.lastIndexOf("[].");
  const prefix = at < 0 ? "" : fact.path.slice(0, at + 3);
  const tests = testsOf(fact, table, prefix);
  if (whole) return (object, options) => void (tests.every((t) => t(object, object)) && whole(object, options));

  const path = splitPath(fact.path.slice(prefix.length));
  const compute = valueOf(fact, table, prefix);
  const pointer = fieldAt(table, splitPath(fact.path.replaceAll("[]", "")))?.pointer ?? false;
  const force = fact.force === true;
  const run = (owner: JsonObject, item: JsonObject, options: Parameters<Rule>[1]): void => {
    if ((!force && !isUnset(readPath(item, path), pointer)) || !tests.every((t) => t(owner, item))) return;
    const value = compute(owner, options, item);
    if (value !== undefined || force) writePath(item, path, value);
  };
  if (prefix === "") return (object, options) => run(object, object, options);
  const lists = prefix
    .split("[].")
    .slice(0, -1)
    .map((part) => part.split("."));
  return (object, options) => eachItem(object, lists, (item) => run(object, item, options));
}

function valueOf(fact: DefaultRule, table: TypeTable, prefix: string): Value {
  if (fact.rule === undefined) {
    const { value } = fact;
    if (value === null) return () => undefined;
    return typeof value === "object" ? () => deepClone(value) : () => value;
  }
  const found = valueRule(fact.rule, prefix);
  if (!found) throw new Error(`defaults of ${table.name}: no code for the rule "${fact.rule}" of ${fact.path}`);
  return found;
}

function testsOf(fact: DefaultRule, table: TypeTable, prefix: string): Test[] {
  const reader = (path: string): ((owner: JsonObject, item: JsonObject) => unknown) => {
    const ofItem = prefix !== "" && path.startsWith(prefix);
    const steps = splitPath(ofItem ? path.slice(prefix.length) : path);
    return (owner, item) => readPath(ofItem ? item : owner, steps);
  };
  const set = (path: string): Test => {
    const read = reader(path);
    const pointer = fieldAt(table, splitPath(path.replaceAll("[]", "")))?.pointer ?? false;
    return (owner, item) => !isUnset(read(owner, item), pointer);
  };
  const equals = ([path, value]: [string, unknown]): Test => {
    if (value === "nonEmpty") return set(path);
    const read = reader(path);
    return (owner, item) => read(owner, item) === value;
  };
  const tests = Object.entries(fact.if ?? {}).map(equals);
  tests.push(...(fact.ifSet ?? []).map(set));
  tests.push(...[...(fact.ifUnset ?? []), ...(fact.ifWasUnset ?? [])].map(set).map(not));
  if (fact.ifAny) {
    const any = fact.ifAny.map((conditions) => Object.entries(conditions).map(equals));
    tests.push((owner, item) => any.some((all) => all.every((t) => t(owner, item))));
  }
  if (fact.ifNoneSet !== undefined)
    tests.push((owner) => !Object.keys(owner).some((key) => key !== "name" && owner[key] != null));
  return tests;
}

function not(test: Test): Test {
  return (owner, item) => !test(owner, item);
}
