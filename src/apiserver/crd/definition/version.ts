import {
  duplicate,
  type FieldError,
  invalidValue,
  isDns1035Label,
  required,
  tooMany,
} from "../../../machinery/index.ts";
import type { JsonSchema } from "../../../machinery/structural/index.ts";
import { validateSchema } from "./schema.ts";
import { type DefinitionVersion, schemaOf } from "./types.ts";

/** Which parts all versions have in common: those are checked once, elsewhere. */
export interface Common {
  readonly schema: boolean;
  readonly subresources: boolean;
  readonly columns: boolean;
  readonly fields: boolean;
}

/** What is wrong with one version. */
export function validateVersion(
  version: DefinitionVersion,
  path: string,
  common: Common,
  schemaUnchanged: boolean,
): FieldError[] {
  const errors: FieldError[] = [];
  const { name, subresources, deprecationWarning: warning } = version;
  const wrong = isDns1035Label(name);
  if (wrong.length > 0) errors.push(invalidValue(`${path}.name`, name, wrong.join(",")));
  for (const text of deprecationErrors(version)) errors.push(invalidValue(`${path}.deprecationWarning`, warning, text));
  const schema = schemaOf(version);
  if (!common.schema && schema) {
    errors.push(...validateSchema(schema, `${path}.schema`, subresources?.status !== undefined, schemaUnchanged));
  }
  if (!common.subresources) errors.push(...validateSubresources(subresources, `${path}.subresources`));
  if (!common.columns) {
    errors.push(...validateColumns(version.additionalPrinterColumns, `${path}.additionalPrinterColumns`));
  }
  if (!common.fields) errors.push(...validateSelectable(version.selectableFields, schema, `${path}.selectableFields`));
  return errors;
}

function deprecationErrors({ deprecated, deprecationWarning: text }: DefinitionVersion): string[] {
  if (text === undefined) return [];
  if (deprecated !== true) return ["can only be set for deprecated versions"];
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 256) errors.push("must be <= 256 characters long");
  if (text === "") errors.push("must not be an empty string");
  const at = /[^\P{C}]|[^\P{Z} ]/u.exec(text)?.index;
  if (at !== undefined) {
    const index = Buffer.byteLength(text.slice(0, at));
    errors.push(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`);
  }
  return errors;
}

/** A path such as `.spec.replicas`. */
function simplePath(value: string, path: string): FieldError[] {
  if (value === "") return [invalidValue(path, value, "must not be empty")];
  return value.startsWith(".") ? [] : [invalidValue(path, value, "must be a simple json path starting with .")];
}

/** What is wrong with the subresources status and scale. */
export function validateSubresources(subresources: DefinitionVersion["subresources"], path: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const errors: FieldError[] = [];
  const below = (field: string, value: string | undefined, roots: readonly string[], where: string): void => {
    const at = `${path}.scale.${field}`;
    if (!value) return void errors.push(required(at));
    const wrong = simplePath(value, at);
    errors.push(...wrong);
    if (wrong.length > 0 || roots.some((root) => value.startsWith(root))) return;
    errors.push(invalidValue(at, value, `should be a json path under ${where}`));
  };
  below("specReplicasPath", scale.specReplicasPath, [".spec."], ".spec");
  below("statusReplicasPath", scale.statusReplicasPath, [".status."], ".status");
  const selector = scale.labelSelectorPath;
  if (selector) below("labelSelectorPath", selector, [".spec.", ".status."], "either .spec or .status");
  return errors;
}

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/** What is wrong with the columns that tables show. */
export function validateColumns(columns: DefinitionVersion["additionalPrinterColumns"], path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, { name, type, format, jsonPath }] of (columns ?? []).entries()) {
    const at = `${path}[${i}]`;
    const types = `must be one of ${COLUMN_TYPES.join(",")}`;
    if (!name) errors.push(required(`${at}.name`));
    if (!type) errors.push(required(`${at}.type`, types));
    else if (!COLUMN_TYPES.includes(type)) errors.push(invalidValue(`${at}.type`, type, types));
    if (format && !COLUMN_FORMATS.includes(format)) {
      errors.push(invalidValue(`${at}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`));
    }
    if (!jsonPath) errors.push(required(`${at}.JSONPath`));
    else errors.push(...simplePath(jsonPath, `${at}.JSONPath`));
  }
  return errors;
}

const MAX_SELECTABLE = 8;
const SELECTABLE_TYPES = ["string", "boolean", "integer"];

/** What is wrong with the fields that selectors may name. */
export function validateSelectable(
  fields: DefinitionVersion["selectableFields"],
  schema: JsonSchema | undefined,
  path: string,
): FieldError[] {
  if (!fields || fields.length === 0) return [];
  if (!schema) {
    return [invalidValue(path, "", "may only be set when `version.schema.openAPIV3Schema` is not included")];
  }
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { jsonPath }] of fields.entries()) {
    const at = `${path}[${i}].jsonPath`;
    const wrong = (detail: string): void => void errors.push(invalidValue(at, jsonPath, detail));
    if (!jsonPath) {
      errors.push(required(at));
      continue;
    }
    const found = fieldAt(schema, jsonPath);
    if (typeof found === "string") {
      wrong(`is an invalid path: ${found}`);
      continue;
    }
    if (jsonPath.startsWith(".metadata")) wrong("must not point to fields in metadata");
    if (!SELECTABLE_TYPES.includes(found.type ?? "")) {
      wrong(
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
      );
    }
    if (seen.has(jsonPath)) errors.push(duplicate(at, jsonPath));
    seen.add(jsonPath);
  }
  if (seen.size > MAX_SELECTABLE) errors.push(tooMany(path, seen.size, MAX_SELECTABLE));
  return errors;
}

/** The schema of a field such as `.spec.color`, or what is wrong with the path. */
function fieldAt(schema: JsonSchema, jsonPath: string): JsonSchema | string {
  if (!jsonPath.startsWith(".")) return "expected [ or . but got: " + jsonPath.slice(0, 1);
  let at = schema;
  for (const name of jsonPath.slice(1).split(".")) {
    if (/[[\]'"]/.test(name)) return "array notation is not allowed";
    const next = Object.hasOwn(at.properties ?? {}, name) ? at.properties?.[name] : undefined;
    if (!next) return "does not refer to a valid field";
    at = next;
  }
  return at;
}
