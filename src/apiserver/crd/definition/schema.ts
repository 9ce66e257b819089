import {
  deepClone,
  deepEqual,
  type FieldError,
  FieldPath,
  forbiddenField,
  invalidValue,
} from "../../../machinery/index.ts";
import {
  checkStructural,
  coerceMetadata,
  compileValidator,
  type JsonSchema,
  prune,
  structuralOf,
  validateEmbedded,
  validateLists,
} from "../../../machinery/structural/index.ts";
import { schemaNodeErrors } from "./schema-node.ts";

const ROOT_FIELDS: readonly (readonly [field: string, json: string])[] = [
  ["Description", "description"],
  ["Type", "type"],
  ["Format", "format"],
  ["Title", "title"],
  ["Maximum", "maximum"],
  ["ExclusiveMaximum", "exclusiveMaximum"],
  ["Minimum", "minimum"],
  ["ExclusiveMinimum", "exclusiveMinimum"],
  ["MaxLength", "maxLength"],
  ["MinLength", "minLength"],
  ["Pattern", "pattern"],
  ["MaxItems", "maxItems"],
  ["MinItems", "minItems"],
  ["UniqueItems", "uniqueItems"],
  ["MultipleOf", "multipleOf"],
  ["Required", "required"],
  ["Items", "items"],
  ["Properties", "properties"],
  ["ExternalDocs", "externalDocs"],
  ["Example", "example"],
  ["XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields"],
  ["XValidations", "x-kubernetes-validations"],
];

/**
 * What is wrong with a version's schema. `path` is that of the validation it is in; `unchanged`: it was stored like this
 * already, which lets it cost more than a new one might.
 */
export function validateSchema(schema: JsonSchema, path: string, hasStatus: boolean, unchanged: boolean): FieldError[] {
  const at = FieldPath.root(path).child("openAPIV3Schema");
  const errors = hasStatus ? rootErrors(schema, at) : [];
  if (schema.nullable === true)
    errors.push(forbiddenField(at.child("nullable"), "nullable cannot be true at the root"));
  const structural = checkStructural(schema, at);
  const defaults = structural.length === 0 ? defaultErrors(schema, at, true) : [];
  errors.push(...structural, ...defaults);
  errors.push(...schemaNodeErrors(schema, at, { checkRules: structural.length + defaults.length === 0, unchanged }));
  if (errors.length > 0) return errors;
  try {
    compileValidator(schema);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [invalidValue(path, "", `error building validator: ${why}`)];
  }
}

/** The status is checked by its part of the schema alone, so nothing may depend on the root. */
function rootErrors(schema: JsonSchema, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.type !== undefined && schema.type !== "object") {
    const detail =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    errors.push(invalidValue(at.child("type"), schema.type, detail));
  }
  const allowed = new Set(ROOT_FIELDS.map(([, json]) => json));
  if (Object.entries(schema).some(([name, value]) => value !== false && !allowed.has(name))) {
    const names = ROOT_FIELDS.map(([field]) => field).join(" ");
    const detail = `only [${names}] fields are allowed at the root of the schema if the status subresource is enabled`;
    errors.push(invalidValue(at, schema, detail));
  }
  return errors;
}

/** Defaults must be valid values without unknown fields themselves. */
function defaultErrors(schema: JsonSchema, at: FieldPath, isRoot: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const { default: value } = schema;
  if (value !== undefined) errors.push(...ownDefaultErrors(schema, value, at.child("default")));
  const items = schema.items && !Array.isArray(schema.items) ? (schema.items as JsonSchema) : undefined;
  if (items) errors.push(...defaultErrors(items, at.child("items"), false));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (isRoot && (name === "metadata" || name === "kind" || name === "apiVersion")) continue;
    errors.push(...defaultErrors(property, at.child("properties").key(name), false));
  }
  if (typeof schema.additionalProperties === "object") {
    errors.push(...defaultErrors(schema.additionalProperties, at.child("additionalProperties"), false));
  }
  return errors;
}

function ownDefaultErrors(schema: JsonSchema, value: unknown, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const structural = structuralOf(schema);
  const copy = deepClone(value);
  prune(copy, structural, structural.embedded);
  if (!deepEqual(copy, value)) errors.push(invalidValue(at, value, "must not have unknown fields"));
  if (structural.hasEmbedded && typeof copy === "object" && copy !== null && !Array.isArray(copy)) {
    coerceMetadata(copy as Record<string, unknown>, structural);
    errors.push(...validateEmbedded(copy, structural));
  }
  if (errors.length > 0) return errors;
  errors.push(...compileValidator(schema).validate(value, at.toString()));
  return errors.length > 0 ? errors : validateLists(value, structural, at.toString());
}
