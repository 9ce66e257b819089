import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import { type ApplyList, type ApplyMap, type ApplySchema, formOf } from "./apply-schema.ts";
import { ApplyError, elementAt } from "./list-items.ts";
import { fieldElement, type PathElement, printElement, printPath } from "./path-element.ts";

/** Everything in an applied configuration that does not follow the schema: `.spec.foo: field not declared in schema`. */
export function validateConfig(value: unknown, schema: ApplySchema): string[] {
  const errors: string[] = [];
  check(value, schema, [], errors);
  return errors;
}

function check(value: unknown, schema: ApplySchema, path: PathElement[], errors: string[]): void {
  if (value === null || value === undefined) return;
  const form = formOf(schema, value);
  const { list, map, scalar } = schema;
  if (form === "map" && map) {
    if (isJsonObject(value)) checkFields(value, map, path, errors);
    else report(errors, path, `expected map, got ${printed(value)}`);
  } else if (form === "list" && list) {
    if (Array.isArray(value)) checkItems(value, list, path, errors);
    else report(errors, path, `expected list, got ${printed(value)}`);
  } else if (scalar) checkScalar(value, scalar, path, errors);
}

function report(errors: string[], path: readonly PathElement[], message: string): void {
  const at = printPath(path);
  errors.push(at === "" ? message : `${at}: ${message}`);
}

function printed(value: unknown): string {
  return `&{${String(JSON.stringify(value)).replaceAll('"', "")}}`;
}

function checkScalar(value: unknown, scalar: string, path: readonly PathElement[], errors: string[]): void {
  const type = typeof value === "bigint" ? "number" : typeof value;
  if (scalar === "numeric" && type !== "number") {
    const go = Array.isArray(value)
      ? "[]interface {}"
      : type === "object"
        ? "map[string]interface {}"
        : type === "boolean"
          ? "bool"
          : type;
    report(errors, path, `expected numeric (int or float), got ${go}`);
  } else if (scalar === "string" && type !== "string") report(errors, path, `expected string, got ${printed(value)}`);
  else if (scalar === "boolean" && type !== "boolean") report(errors, path, `expected boolean, got ${printed(value)}`);
  else if (scalar === "untyped" && type === "object")
    report(errors, path, `expected any scalar, got ${printed(value)}`);
}

function checkFields(object: JsonObject, map: ApplyMap, path: PathElement[], errors: string[]): void {
  for (const name of Object.keys(object)) {
    const schema = map.field(name) ?? map.element;
    path.push(fieldElement(name));
    if (schema) check(object[name], schema, path, errors);
    else report(errors, path, "field not declared in schema");
    path.pop();
  }
}

function checkItems(items: readonly unknown[], list: ApplyList, path: PathElement[], errors: string[]): void {
  const seen = new Set<PathElement>();
  for (const [i, item] of items.entries()) {
    let element = `i:${i}`;
    if (list.associative) {
      try {
        element = elementAt(list, item, i);
      } catch (error) {
        if (!(error instanceof ApplyError)) throw error;
        report(errors, path, error.message);
        return;
      }
      if (seen.has(element)) report(errors, path, `duplicate entries for key ${printElement(element)}`);
      seen.add(element);
    }
    path.push(element);
    check(item, list.item, path, errors);
    path.pop();
  }
}
