import { RE2JS } from "re2js";
import { goJson, quote } from "../errors/quote.ts";
import {
  type FieldError,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from "../field/error.ts";
import { deepEqual } from "../objects/equal.ts";
import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import { FORMATS } from "./formats.ts";
import { itemKeyOf } from "./lists.ts";
import type { JsonSchema } from "./schema.ts";

/** Marks that there is nothing to compare with: the value is new, or its place in the old object can't be told. */
const NEW = Symbol("new");

/** Checks one value; `old` is what it was before, or {@link NEW}. */
type Check = (value: unknown, old: unknown, path: string, errors: FieldError[]) => void;

/** Checks a value against a compiled schema. */
export interface SchemaValidator {
  /** `path` is where the value is, empty for a whole object. */
  validate(value: unknown, path?: string): FieldError[];
  /** The same, but what was wrong before and has not changed is let pass. */
  validateUpdate(value: unknown, old: unknown, path?: string): FieldError[];
}

/** Compiles a schema into functions, once. Patterns run in linear time. Throws when a pattern can't be read. */
export function compileValidator(schema: JsonSchema): SchemaValidator {
  const check = compile(schema);
  const run = (value: unknown, old: unknown, path: string): FieldError[] => {
    const errors: FieldError[] = [];
    check(value, old, "", errors);
    return path === "" ? errors : errors.map((error) => ({ ...error, field: below(path, error.field) }));
  };
  return {
    validate: (value, path = "") => run(value, NEW, path),
    validateUpdate: (value, old, path = "") => run(value, old === undefined ? NEW : old, path),
  };
}

function below(path: string, field: string): string {
  return field === "" || field === "<nil>" ? path : `${path}.${field}`;
}

function compile(schema: JsonSchema): Check {
  const checks = [typeCheck(schema), ...juncture(schema), ...texts(schema), ...numbers(schema), ...lists(schema)];
  checks.push(...enums(schema), ...objects(schema));
  const onNull = [checks[0] as Check, ...enums(schema)];
  return (value, old, path, errors) => {
    const before = errors.length;
    for (const check of value === null ? onNull : checks) check(value, old, path, errors);
    if (errors.length > before && old !== NEW && deepEqual(value, old)) errors.length = before;
  };
}

function typeCheck(schema: JsonSchema): Check {
  const types =
    schema["x-kubernetes-int-or-string"] === true ? ["integer", "string"] : schema.type ? [schema.type] : [];
  const wanted = types.join(",");
  return (value, _old, path, errors) => {
    if (value === null && (schema.nullable === true || types.length === 0)) return;
    const type = typeOf(value);
    if (types.length === 0 || types.includes(type) || (type === "integer" && types.includes("number"))) return;
    errors.push(typeInvalid(path, type, `${path} in body must be of type ${wanted}: ${quote(type)}`));
  };
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint") return "integer";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

/** Errors that have no place: upstream's are of the whole object. */
function whole(message: string): FieldError {
  return invalidValue("<nil>", "", message);
}

function juncture(schema: JsonSchema): Check[] {
  const checks: Check[] = [];
  const each = (list: readonly JsonSchema[] | undefined): Check[] => (list ?? []).map((one) => compile(one));
  const [anyOf, oneOf, allOf] = [each(schema.anyOf), each(schema.oneOf), each(schema.allOf)];
  const findings = (all: readonly Check[], value: unknown, path: string): FieldError[][] =>
    all.map((check) => {
      const errors: FieldError[] = [];
      check(value, NEW, path, errors);
      return errors;
    });
  if (anyOf.length > 0) {
    checks.push((value, _old, path, errors) => {
      const found = findings(anyOf, value, path);
      if (found.some((list) => list.length === 0)) return;
      errors.push(whole(`${quote(path)} must validate at least one schema (anyOf)`), ...(found[0] ?? []));
    });
  }
  if (oneOf.length > 0) {
    checks.push((value, _old, path, errors) => {
      const found = findings(oneOf, value, path);
      const valid = found.filter((list) => list.length === 0).length;
      if (valid === 1) return;
      const why = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
      errors.push(whole(`${quote(path)} must validate one and only one schema (oneOf). ${why}`));
      if (valid === 0) errors.push(...(found[0] ?? []));
    });
  }
  if (allOf.length > 0) {
    checks.push((value, _old, path, errors) => {
      const found = findings(allOf, value, path);
      const valid = found.filter((list) => list.length === 0).length;
      if (valid === allOf.length) return;
      errors.push(...found.flat());
      errors.push(
        whole(`${quote(path)} must validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`),
      );
    });
  }
  if (schema.not) {
    const not = compile(schema.not);
    checks.push((value, _old, path, errors) => {
      if (findings([not], value, path)[0]?.length === 0) {
        errors.push(whole(`${quote(path)} must not validate the schema (not)`));
      }
    });
  }
  return checks;
}

function texts(schema: JsonSchema): Check[] {
  const { maxLength, minLength, pattern, format } = schema;
  const regex = pattern === undefined || pattern === "" ? undefined : RE2JS.compile(pattern);
  const fits = format === undefined ? undefined : FORMATS.get(format);
  if (maxLength === undefined && minLength === undefined && !regex && !fits) return [];
  return [
    (value, _old, path, errors) => {
      if (typeof value !== "string") return;
      const length = maxLength === undefined && minLength === undefined ? 0 : characters(value);
      if (maxLength !== undefined && length > maxLength) errors.push(tooLong(path, maxLength));
      if (minLength !== undefined && length < minLength) {
        errors.push(invalidValue(path, value, `${path} in body should be at least ${minLength} chars long`));
      }
      if (regex && !regex.matcher(value).find()) {
        errors.push(invalidValue(path, value, `${path} in body should match '${pattern}'`));
      }
      if (fits && !fits(value)) {
        errors.push(typeInvalid(path, value, `${path} in body must be of type ${format}: ${quote(value)}`));
      }
    },
  ];
}

/** Unicode code points. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function numbers(schema: JsonSchema): Check[] {
  const { maximum, minimum, multipleOf } = schema;
  if (maximum === undefined && minimum === undefined && multipleOf === undefined) return [];
  return [
    (value, _old, path, errors) => {
      if (typeof value !== "number" && typeof value !== "bigint") return;
      const wrong = (text: string): void =>
        void errors.push(invalidValue(path, value, `${path} in body should be ${text}`));
      if (multipleOf !== undefined && !isMultiple(Number(value), multipleOf)) wrong(`a multiple of ${multipleOf}`);
      if (maximum !== undefined) {
        if (schema.exclusiveMaximum ? value >= maximum : value > maximum) {
          wrong(schema.exclusiveMaximum ? `less than ${maximum}` : `less than or equal to ${maximum}`);
        }
      }
      if (minimum !== undefined) {
        if (schema.exclusiveMinimum ? value <= minimum : value < minimum) {
          wrong(schema.exclusiveMinimum ? `greater than ${minimum}` : `greater than or equal to ${minimum}`);
        }
      }
    },
  ];
}

function isMultiple(value: number, of: number): boolean {
  return Number.isInteger(value / of);
}

function enums(schema: JsonSchema): Check[] {
  const values = schema.enum;
  if (!values || values.length === 0) return [];
  const simple = new Set(values.filter((value) => typeof value !== "object" || value === null));
  const shown = values.map((value) => (typeof value === "string" ? value : goJson(value)));
  return [
    (value, _old, path, errors) => {
      if (value === null && schema.nullable === true) return;
      if (simple.has(value) || values.some((one) => deepEqual(one, value))) return;
      errors.push(notSupported(path, value, shown));
    },
  ];
}

function lists(schema: JsonSchema): Check[] {
  const { maxItems, minItems } = schema;
  const item = schema.items && !Array.isArray(schema.items) ? compile(schema.items as JsonSchema) : undefined;
  if (maxItems === undefined && minItems === undefined && !item) return [];
  return [
    (value, old, path, errors) => {
      if (!Array.isArray(value)) return;
      const before = item ? oldItems(schema, old) : undefined;
      for (let i = 0; item && i < value.length; i++) {
        const was = before?.get(itemKeyOf(value[i], schema["x-kubernetes-list-map-keys"] ?? [])) ?? NEW;
        item(value[i], was, `${path}[${i}]`, errors);
      }
      if (minItems !== undefined && value.length < minItems) {
        errors.push(invalidValue(path, value.length, `${path} in body should have at least ${minItems} items`));
      }
      if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems));
    },
  ];
}

/** The old items by key; only lists of type map can tell which is which. */
function oldItems(schema: JsonSchema, old: unknown): ReadonlyMap<string, unknown> | undefined {
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(old)) return undefined;
  return new Map(old.map((one) => [itemKeyOf(one, schema["x-kubernetes-list-map-keys"] ?? []), one as unknown]));
}

function objects(schema: JsonSchema): Check[] {
  const { maxProperties, minProperties, additionalProperties } = schema;
  const wanted = schema.required ?? [];
  const properties = new Map(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, compile(one)]));
  const other = typeof additionalProperties === "object" ? compile(additionalProperties) : undefined;
  return [
    (value, old, path, errors) => {
      if (!isJsonObject(value)) return;
      const size = Object.keys(value).length;
      if (minProperties !== undefined && size < minProperties) {
        errors.push(invalidValue(path, size, `${path} in body should have at least ${minProperties} properties`));
      }
      if (maxProperties !== undefined && size > maxProperties) errors.push(tooMany(path, size, maxProperties));
      const was = isJsonObject(old) ? old : undefined;
      for (const name of Object.keys(value)) {
        const check = properties.get(name) ?? other;
        check?.(value[name], oldField(was, name), path === "" ? name : `${path}.${name}`, errors);
      }
      for (const name of wanted) {
        if (!Object.hasOwn(value, name)) errors.push(required(path === "" ? name : `${path}.${name}`));
      }
    },
  ];
}

function oldField(old: JsonObject | undefined, name: string): unknown {
  return old && Object.hasOwn(old, name) ? old[name] : NEW;
}
