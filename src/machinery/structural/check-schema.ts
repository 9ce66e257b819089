import { RE2JS } from "re2js";
import { errorText, type FieldError, forbiddenField, invalidValue, required } from "../field/error.ts";
import type { FieldPath } from "../field/path.ts";
import { deepEqual } from "../objects/equal.ts";
import type { JsonSchema } from "./schema.ts";

type Level = "root" | "item" | "field";

const INT_OR_STRING = [{ type: "integer" }, { type: "string" }];

/** What keeps a schema from being structural, in upstream's words, sorted. */
export function checkStructural(schema: JsonSchema, path: FieldPath): FieldError[] {
  const errors = [...invariants(schema, "root", path), ...completeness(schema, path)];
  return errors.toSorted((a, b) => (errorText(a) < errorText(b) ? -1 : 1));
}

function single(items: JsonSchema["items"]): JsonSchema | undefined {
  return items && !Array.isArray(items) ? (items as JsonSchema) : undefined;
}

function invariants(s: JsonSchema, level: Level, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const items = single(s.items);
  const embedded = s["x-kubernetes-embedded-resource"] === true;
  if (s.type === "array" && !items) errors.push(required(path.child("items"), "must be specified"));
  if (items) errors.push(...invariants(items, "item", path.child("items")));
  for (const [name, property] of Object.entries(s.properties ?? {})) {
    errors.push(...invariants(property, "field", path.child("properties").key(name)));
  }
  const { additionalProperties: other } = s;
  if (other !== undefined) {
    if (level === "root")
      errors.push(forbiddenField(path.child("additionalProperties"), "must not be used at the root"));
    if (typeof other === "object") errors.push(...invariants(other, "field", path.child("additionalProperties")));
    if (embedded) {
      const detail = "must not be used if x-kubernetes-embedded-resource is set";
      errors.push(forbiddenField(path.child("additionalProperties"), detail));
    }
  }
  errors.push(
    ...extensions(s, path),
    ...valueRules(s, path, isIntOrString(s.anyOf), isIntOrString(s.allOf?.[0]?.anyOf)),
  );
  errors.push(...typeRules(s, level, path), ...metaRules(s, level, path));
  return errors;
}

function isIntOrString(anyOf: readonly JsonSchema[] | undefined): boolean {
  return deepEqual(anyOf, INT_OR_STRING);
}

function extensions(s: JsonSchema, path: FieldPath): FieldError[] {
  if (s["x-kubernetes-int-or-string"] !== true) return [];
  return ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"]
    .filter((name) => s[name] === true)
    .map((name) => invalidValue(path.child(name), true, "must be false if x-kubernetes-int-or-string is true"));
}

const NO_TYPE: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function typeRules(s: JsonSchema, level: Level, path: FieldPath): FieldError[] {
  const at = path.child("type");
  const type = s.type ?? "";
  const errors: FieldError[] = [];
  if (s["x-kubernetes-embedded-resource"] === true && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? required(at, detail) : invalidValue(at, type, detail));
  } else if (type === "" && !s["x-kubernetes-int-or-string"] && !s["x-kubernetes-preserve-unknown-fields"]) {
    errors.push(required(at, NO_TYPE[level]));
  }
  if (level === "root" && type !== "" && type !== "object") {
    errors.push(invalidValue(at, type, "must be object at the root"));
  }
  return errors;
}

function metaRules(s: JsonSchema, level: Level, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const embedded = s["x-kubernetes-embedded-resource"] === true;
  const resource = level === "root" || embedded;
  const properties = s.properties ?? {};
  const at = path.child("properties");
  for (const name of ["kind", "apiVersion"]) {
    const one = properties[name];
    if (one && resource && one.type !== "string") {
      errors.push(invalidValue(at.key(name).child("type"), one.type ?? "", "must be string"));
    }
  }
  const { metadata } = properties;
  if (metadata && resource && metadata.type !== "object") {
    errors.push(invalidValue(at.key("metadata").child("type"), metadata.type ?? "", "must be object"));
  }
  if (metadata && level === "root" && !restrictsNamesOnly(metadata)) {
    const detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
    errors.push(forbiddenField(at.key("metadata"), detail));
  }
  if (embedded && !s["x-kubernetes-preserve-unknown-fields"] && Object.keys(properties).length === 0) {
    const detail =
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    errors.push(required(at, detail));
  }
  return errors;
}

function restrictsNamesOnly(metadata: JsonSchema): boolean {
  const others = Object.keys(metadata).filter((name) => name !== "type" && name !== "default" && name !== "properties");
  const names = Object.keys(metadata.properties ?? {});
  return others.length === 0 && names.every((name) => name === "name" || name === "generateName");
}

/** What a schema asks of values, at the top or inside allOf, anyOf, oneOf and not. */
function valueRules(s: JsonSchema, path: FieldPath, skipAnyOf: boolean, skipInAllOf: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const each = (name: "anyOf" | "allOf" | "oneOf", skip: (i: number) => boolean): void => {
    for (const [i, one] of (s[name] ?? []).entries()) errors.push(...nested(one, path.child(name).index(i), skip(i)));
  };
  if (!skipAnyOf) each("anyOf", () => false);
  each("allOf", (i) => skipInAllOf && i === 0);
  each("oneOf", () => false);
  if (s.not) errors.push(...nested(s.not, path.child("not"), false));
  if (s.pattern) {
    try {
      RE2JS.compile(s.pattern);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const detail = `must be a valid regular expression, but isn't: ${why}`;
      errors.push(invalidValue(path.child("pattern"), s.pattern, detail));
    }
  }
  return errors;
}

const FORBIDDEN: readonly (readonly [name: string, detail: string])[] = [
  ["type", "must be empty to be structural"],
  ["additionalProperties", "must be undefined to be structural"],
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
  ["x-kubernetes-map-type", "must be undefined to be structural"],
  ["x-kubernetes-validations", "must be empty to be structural"],
];

function nested(s: JsonSchema, path: FieldPath, skipAnyOf: boolean): FieldError[] {
  const errors = valueRules(s, path, skipAnyOf, false);
  const items = single(s.items);
  if (items) errors.push(...nested(items, path.child("items"), false));
  for (const [name, property] of Object.entries(s.properties ?? {})) {
    errors.push(...nested(property, path.child("properties").key(name), false));
  }
  for (const [name, detail] of FORBIDDEN) {
    const value = s[name];
    const empty =
      value === undefined || value === "" || value === false || (Array.isArray(value) && value.length === 0);
    if (!empty || (name === "additionalProperties" && value !== undefined)) {
      errors.push(forbiddenField(path.child(name), detail));
    }
  }
  if (s.properties?.["metadata"]) {
    errors.push(forbiddenField(path.child("properties").key("metadata"), "must not be specified in a nested context"));
  }
  return errors;
}

/** Fields and items that a junctor speaks of must be declared outside of it. */
function completeness(s: JsonSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const complete = (one: JsonSchema | undefined, at: FieldPath): void => {
    if (one) errors.push(...declared(one, s, at, path));
  };
  for (const name of ["allOf", "anyOf", "oneOf"] as const) {
    for (const [i, one] of (s[name] ?? []).entries()) complete(one, path.child(name).index(i));
  }
  complete(s.not, path.child("not"));
  const items = single(s.items);
  if (items) errors.push(...completeness(items, path.child("items")));
  for (const [name, property] of Object.entries(s.properties ?? {})) {
    errors.push(...completeness(property, path.child("properties").key(name)));
  }
  if (typeof s.additionalProperties === "object") {
    errors.push(...completeness(s.additionalProperties, path.child("additionalProperties")));
  }
  return errors;
}

function declared(v: JsonSchema, s: JsonSchema, at: FieldPath, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const because = (where: FieldPath): string => `because it is defined in ${where.toString()}`;
  for (const name of ["allOf", "anyOf", "oneOf"] as const) {
    for (const [i, one] of (v[name] ?? []).entries()) errors.push(...declared(one, s, at.child(name).index(i), path));
  }
  if (v.not) errors.push(...declared(v.not, s, at.child("not"), path));
  const [wantedItems, items] = [single(v.items), single(s.items)];
  if (wantedItems) {
    if (items) errors.push(...declared(wantedItems, items, at.child("items"), path.child("items")));
    else errors.push(required(path.child("items"), because(at.child("items"))));
  }
  for (const [name, property] of Object.entries(v.properties ?? {})) {
    const [there, here] = [at.child("properties").key(name), path.child("properties").key(name)];
    const own = s.properties?.[name];
    if (own) errors.push(...declared(property, own, there, here));
    else errors.push(required(here, because(there)));
  }
  return errors;
}
