import {
  type FieldError,
  type FieldPath,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { JsonSchema } from "../../../machinery/structural/index.ts";
import { ruleErrors } from "./rules.ts";

/** What holds for a part of a schema because of where it is. */
interface Place {
  readonly isRoot: boolean;
  /** In kind, apiVersion or metadata of a resource. */
  readonly inMeta: boolean;
  /** Why there may be no defaults. */
  readonly noDefaults?: string;
  /** The part above, whose old and new items can't be matched. */
  readonly uncorrelatable?: FieldPath;
}

/** How rules in CEL are checked. */
export interface NodeOptions {
  /** Whether the schema is sound enough to look at its rules. */
  readonly checkRules: boolean;
  readonly unchanged: boolean;
}

const META = new Set(["metadata", "kind", "apiVersion"]);
const TYPES = ["array", "boolean", "integer", "null", "number", "object", "string"];
const UNSUPPORTED = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

/** What is wrong with the parts of a schema, each for itself: what OpenAPI and Kubernetes allow in them. */
export function schemaNodeErrors(schema: JsonSchema, path: FieldPath, options: NodeOptions): FieldError[] {
  const errors = walk(schema, path, { isRoot: true, inMeta: false });
  if (errors.length > 0 || !options.checkRules) return errors;
  return ruleErrors(schema, path, options.unchanged);
}

function walk(s: JsonSchema, path: FieldPath, place: Place): FieldError[] {
  const errors = [...standard(s, path, place), ...extensions(s, path), ...listRules(s, path), ...ruleTexts(s, path)];
  const inner = { ...place, isRoot: false };
  const { additionalProperties: other } = s;
  if (other !== undefined && typeof other === "object") {
    const forbidden = place.inMeta ? { noDefaults: "inside additionalProperties applying to object metadata" } : {};
    errors.push(...walk(other, path.child("additionalProperties"), { ...inner, ...forbidden }));
  }
  const resource = place.isRoot || s["x-kubernetes-embedded-resource"] === true;
  for (const [name, property] of Object.entries(s.properties ?? {})) {
    const meta = resource && META.has(name);
    const forbidden = meta && place.isRoot ? { noDefaults: `in top-level ${name}` } : {};
    const below = { ...inner, ...(meta && { inMeta: true }), ...forbidden };
    errors.push(...walk(property, path.child("properties").key(name), below));
  }
  if (s.not) errors.push(...walk(s.not, path.child("not"), inner));
  for (const name of ["allOf", "oneOf", "anyOf"] as const) {
    for (const [i, one] of (s[name] ?? []).entries()) errors.push(...walk(one, path.child(name).index(i), inner));
  }
  if (s.items && !Array.isArray(s.items)) errors.push(...walk(s.items as JsonSchema, path.child("items"), inner));
  return errors;
}

function standard(s: JsonSchema, path: FieldPath, place: Place): FieldError[] {
  const errors: FieldError[] = [];
  if (s.type && !TYPES.includes(s.type)) errors.push(notSupported(path.child("type"), s.type, TYPES));
  if (s.default !== undefined && place.noDefaults !== undefined) {
    errors.push(forbiddenField(path.child("default"), `must not be set ${place.noDefaults}`));
  }
  for (const name of UNSUPPORTED) {
    if (s[name] !== undefined) errors.push(forbiddenField(path.child(name), `${name} is not supported`));
  }
  if (s.type === "null") {
    errors.push(forbiddenField(path.child("type"), "type cannot be set to null, use nullable as an alternative"));
  }
  if (Array.isArray(s.items)) {
    errors.push(forbiddenField(path.child("items"), "items must be a schema object and not an array"));
  }
  if (place.inMeta && s["x-kubernetes-embedded-resource"]) {
    const at = path.child("x-kubernetes-embedded-resource");
    errors.push(forbiddenField(at, "must not be used inside of resource meta"));
  }
  if (s.uniqueItems === true) {
    const detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    errors.push(forbiddenField(path.child("uniqueItems"), detail));
  }
  if (
    s.additionalProperties !== undefined &&
    s.additionalProperties !== true &&
    Object.keys(s.properties ?? {}).length > 0
  ) {
    const detail = "additionalProperties and properties are mutual exclusive";
    errors.push(forbiddenField(path.child("additionalProperties"), detail));
  }
  return errors;
}

function typeMustBe(s: JsonSchema, path: FieldPath, wanted: string, because: string): FieldError[] {
  const detail = `must be ${wanted} if ${because} is specified`;
  if (!s.type) return [required(path.child("type"), detail)];
  return s.type === wanted ? [] : [invalidValue(path.child("type"), s.type, detail)];
}

function extensions(s: JsonSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (s["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(invalidValue(path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"));
  }
  const mapType = s["x-kubernetes-map-type"];
  if (mapType !== undefined) {
    errors.push(...typeMustBe(s, path, "object", "x-kubernetes-map-type"));
    if (mapType !== "atomic" && mapType !== "granular") {
      errors.push(notSupported(path.child("x-kubernetes-map-type"), mapType, ["atomic", "granular"]));
    }
  }
  return errors;
}

const LIST_TYPES = ["atomic", "set", "map"];

function listRules(s: JsonSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const listType = s["x-kubernetes-list-type"];
  const keys = s["x-kubernetes-list-map-keys"] ?? [];
  const items = s.items && !Array.isArray(s.items) ? (s.items as JsonSchema) : undefined;
  const at = path.child("x-kubernetes-list-type");
  if (listType !== undefined) {
    errors.push(...typeMustBe(s, path, "array", "x-kubernetes-list-type"));
    if (listType === "set" && items && s.type === "array") errors.push(...setItems(items, path.child("items")));
    if (!LIST_TYPES.includes(listType)) errors.push(notSupported(at, listType, LIST_TYPES));
  }
  if (keys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(listType === undefined ? required(at, detail) : invalidValue(at, listType, detail));
  }
  if (listType === "map") errors.push(...mapItems(s, items, keys, path));
  if ((listType === "map" || listType === "set") && items) errors.push(...keyedItems(items, listType, keys, path));
  return errors;
}

function setItems(items: JsonSchema, path: FieldPath): FieldError[] {
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  const [list, map] = [items["x-kubernetes-list-type"], items["x-kubernetes-map-type"]];
  if (items.type === "array" && list !== undefined && list !== "atomic") {
    return [invalidValue(path.child("x-kubernetes-list-type"), list, detail)];
  }
  return items.type === "object" && map !== "atomic"
    ? [invalidValue(path.child("x-kubernetes-map-type"), list ?? null, detail)]
    : [];
}

function mapItems(
  s: JsonSchema,
  items: JsonSchema | undefined,
  keys: readonly string[],
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const at = path.child("x-kubernetes-list-map-keys");
  if (keys.length === 0) errors.push(required(at, "must not be empty if x-kubernetes-list-type is map"));
  if (!s.items) errors.push(required(path.child("items"), "must have a schema if x-kubernetes-list-type is map"));
  if (!items) return errors;
  if (items.type !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    errors.push(invalidValue(path.child("items", "type"), items.type ?? "", detail));
    return errors;
  }
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (!property) errors.push(invalidValue(at, keys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object") {
      const where = path.child("items", "properties").key(key).child("type");
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(invalidValue(where, items.type, detail));
    }
    if (keys.indexOf(key) < i) errors.push(invalidValue(at, keys, "must not contain duplicate entries"));
  }
  return errors;
}

function keyedItems(items: JsonSchema, listType: string, keys: readonly string[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const at = path.child("items");
  const nullable = `cannot be nullable when x-kubernetes-list-type is ${listType}`;
  if (items.nullable === true) errors.push(forbiddenField(at.child("nullable"), nullable));
  if (listType !== "map") return errors;
  for (const key of keys) {
    const property = items.properties?.[key];
    if (!property) continue;
    if (property.default === undefined && !(items.required ?? []).includes(key)) {
      const detail =
        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.push(required(at.child("properties").key(key).child("default"), detail));
    }
    if (property.nullable === true) {
      const detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
      errors.push(forbiddenField(at.child("properties").key(key).child("nullable"), detail));
    }
  }
  return errors;
}

const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/** The texts of rules, before anybody reads what they say. */
function ruleTexts(s: JsonSchema, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, rule] of (s["x-kubernetes-validations"] ?? []).entries()) {
    const at = path.child("x-kubernetes-validations").index(i);
    const { message = "", messageExpression = "", fieldPath = "", reason } = rule;
    const lines = (text: string): boolean => /[\n\r]/.test(text.trim());
    if ((rule.rule ?? "").trim() === "") errors.push(required(at.child("rule"), "rule is not specified"));
    else if (message !== "" && message.trim() === "") {
      errors.push(invalidValue(at.child("message"), message, "must be non-empty if specified"));
    } else if (lines(message)) errors.push(invalidValue(at.child("message"), message, "must not contain line breaks"));
    else if (lines(rule.rule) && message.trim() === "") {
      errors.push(required(at.child("message"), "message must be specified if rule contains line breaks"));
    }
    if (messageExpression !== "" && messageExpression.trim() === "") {
      errors.push(required(at.child("messageExpression"), "messageExpression must be non-empty if specified"));
    }
    if (reason !== undefined && !REASONS.includes(reason)) {
      errors.push(notSupported(at.child("reason"), reason, REASONS));
    }
    if (fieldPath !== "" && fieldPath.trim() === "") {
      errors.push(invalidValue(at.child("fieldPath"), fieldPath, "must be non-empty if specified"));
    }
    if (/[\n\r]/.test(fieldPath)) {
      errors.push(invalidValue(at.child("fieldPath"), fieldPath, "must not contain line breaks"));
    }
  }
  return errors;
}
