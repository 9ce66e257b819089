import { ParseError } from "../errors/parse-error.ts";
import { type FieldError, invalidValue, required } from "../field/error.ts";
import { FieldPath } from "../field/path.ts";
import { parseApiVersion } from "../meta/gvk.ts";
import { nameIsPathSegment } from "../meta/names.ts";
import { type MetaInput, validateObjectMeta } from "../meta/validate.ts";
import { isJsonObject, type JsonObject } from "../objects/fields.ts";
import { normalize } from "../schema/normalize.ts";
import { validateStructure } from "../schema/structure.ts";
import { isDns1035Label } from "../field/formats.ts";
import type { Structural } from "./schema.ts";

const META_TYPE = "meta.v1.ObjectMeta";

/**
 * Gives an object's metadata and that of the resources embedded in it their canonical form, in place. Fields that metadata does not have go;
 * they are returned as paths. Throws {@link ParseError} for values of the wrong type.
 */
export function coerceMetadata(object: JsonObject, s: Structural | undefined): string[] {
  const unknown: string[] = [];
  coerceOne(object, "", unknown);
  if (s?.hasEmbedded) walk(object, s, "", unknown, true);
  return unknown;
}

function coerceOne(object: JsonObject, path: string, unknown: string[]): void {
  const { metadata } = object;
  for (const name of ["apiVersion", "kind"]) {
    const value = object[name];
    if (value !== undefined && typeof value !== "string") {
      throw new ParseError(`${join(path, name)}: Invalid value: must be a string`);
    }
  }
  if (metadata === undefined) return;
  if (!isJsonObject(metadata)) throw new ParseError(`${join(path, "metadata")}: Invalid value: must be an object`);
  for (const finding of validateStructure(metadata, { type: META_TYPE })) {
    const name = /^unknown field "(.*)"$/.exec(finding)?.[1] ?? finding;
    unknown.push(join(path, `metadata.${name}`));
  }
  object["metadata"] = normalize(metadata, { type: META_TYPE });
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function walk(value: unknown, s: Structural, path: string, unknown: string[], isRoot: boolean): void {
  if (!s.hasEmbedded || typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (let i = 0; s.items && i < value.length; i++) walk(value[i], s.items, `${path}[${i}]`, unknown, false);
    return;
  }
  const object = value as JsonObject;
  if (s.embedded && !isRoot) coerceOne(object, path, unknown);
  for (const name of Object.keys(object)) {
    const property = s.properties.get(name) ?? (typeof s.additional === "object" ? s.additional : undefined);
    if (property) walk(object[name], property, join(path, name), unknown, false);
  }
}

/** Checks kind, apiVersion and metadata of embedded resources. */
export function validateEmbedded(value: unknown, s: Structural): FieldError[] {
  const errors: FieldError[] = [];
  if (s.hasEmbedded) validateAt(value, s, FieldPath.root(), errors, true);
  return errors;
}

function validateAt(value: unknown, s: Structural, path: FieldPath, errors: FieldError[], isRoot: boolean): void {
  if (!s.hasEmbedded || typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (let i = 0; s.items && i < value.length; i++) validateAt(value[i], s.items, path.index(i), errors, false);
    return;
  }
  const object = value as JsonObject;
  if (s.embedded && !isRoot) errors.push(...resourceErrors(object, path));
  for (const name of Object.keys(object)) {
    const property = s.properties.get(name);
    if (property) validateAt(object[name], property, path.child(name), errors, false);
    else if (typeof s.additional === "object") validateAt(object[name], s.additional, path.key(name), errors, false);
  }
}

function resourceErrors(object: JsonObject, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion, kind, metadata } = object as { apiVersion?: string; kind?: string; metadata?: MetaInput };
  if (!apiVersion) errors.push(required(path.child("apiVersion"), "must not be empty"));
  else if (parseApiVersion(apiVersion).version === "" || apiVersion.split("/").length > 2) {
    errors.push(invalidValue(path.child("apiVersion"), apiVersion, "unexpected GroupVersion string: " + apiVersion));
  }
  if (!kind) errors.push(required(path.child("kind"), "must not be empty"));
  else {
    const wrong = isDns1035Label(kind.toLowerCase());
    if (wrong.length > 0) {
      const detail = `may have mixed case, but should otherwise match: ${wrong.join(",")}`;
      errors.push(invalidValue(path.child("kind"), kind, detail));
    }
  }
  if (metadata) {
    const meta = { name: "fakename", ...metadata };
    const rules = { namespaced: meta.namespace !== undefined && meta.namespace !== "", checkName: nameIsPathSegment };
    errors.push(...validateObjectMeta(meta, rules, path.child("metadata")));
  }
  return errors;
}
