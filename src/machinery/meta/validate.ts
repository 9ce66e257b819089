import type { metav1 } from "../../api/index.ts";
import { quote } from "../errors/quote.ts";
import { type FieldError, forbiddenField, invalidValue, required, tooLong } from "../field/error.ts";
import { isQualifiedName } from "../field/formats.ts";
import { FieldPath } from "../field/path.ts";
import { utf8Length } from "../field/text-rules.ts";
import { deepEqual } from "../objects/equal.ts";
import { parseApiVersion, printGvk } from "./gvk.ts";
import { type NameCheck, nameIsDnsLabel } from "./names.ts";
import { validateLabels } from "./validate-labels.ts";
import { validateManagedFields } from "./validate-options.ts";

/** Upstream's words for a field that may not change. */
export const FIELD_IMMUTABLE = "field is immutable";
/** Upstream's words for a number below zero. */
export const NOT_NEGATIVE = "must be greater than or equal to 0";
/** All annotations of an object together, keys and values, in bytes. */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** Metadata as a caller may send it. */
export type MetaInput = Readonly<Partial<metav1.ObjectMeta>>;

/** What a kind asks of its metadata. */
export interface ObjectMetaRules {
  readonly namespaced: boolean;
  /** The kind's rule for names. */
  readonly checkName: NameCheck;
}

const META = FieldPath.root("metadata");

/** Everything wrong with the metadata of a new object, after a generated name was filled in. */
export function validateObjectMeta(meta: MetaInput, rules: ObjectMetaRules, path: FieldPath = META): FieldError[] {
  const errors: FieldError[] = [];
  const check = (field: "name" | "generateName", value: string): void => {
    for (const m of rules.checkName(value, field === "generateName"))
      errors.push(invalidValue(path.child(field), value, m));
  };
  if (meta.generateName) check("generateName", meta.generateName);
  if (meta.name) check("name", meta.name);
  else errors.push(required(path.child("name"), "name or generateName is required"));
  errors.push(...validateNamespace(meta.namespace ?? "", rules.namespaced, path.child("namespace")));
  if ((meta.generation ?? 0) < 0) errors.push(invalidValue(path.child("generation"), meta.generation, NOT_NEGATIVE));
  errors.push(
    ...validateLabels(meta.labels, path.child("labels")),
    ...validateAnnotations(meta.annotations, path.child("annotations")),
    ...validateOwnerReferences(meta.ownerReferences, path.child("ownerReferences")),
    ...validateFinalizers(meta.finalizers, path.child("finalizers")),
    ...validateManagedFields(meta.managedFields, path.child("managedFields")),
  );
  return errors;
}

function validateNamespace(namespace: string, namespaced: boolean, path: FieldPath): FieldError[] {
  if (!namespaced) return namespace === "" ? [] : [forbiddenField(path, "not allowed on this type")];
  if (namespace === "") return [required(path)];
  return nameIsDnsLabel(namespace, false).map((m) => invalidValue(path, namespace, m));
}

const IMMUTABLE = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

/** Everything wrong with metadata that is to replace `old`. */
export function validateObjectMetaUpdate(meta: MetaInput, old: MetaInput, path: FieldPath = META): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) errors.push(...noNewFinalizers(meta.finalizers, old.finalizers, path.child("finalizers")));
  if (!meta.resourceVersion) {
    errors.push(invalidValue(path.child("resourceVersion"), "", "must be specified for an update"));
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalidValue(path.child("generation"), meta.generation ?? 0, "must not be decremented"));
  }
  for (const field of IMMUTABLE) errors.push(...validateImmutable(meta[field], old[field], path.child(field)));
  errors.push(
    ...validateLabels(meta.labels, path.child("labels")),
    ...validateAnnotations(meta.annotations, path.child("annotations")),
    ...validateOwnerReferences(meta.ownerReferences, path.child("ownerReferences")),
    ...validateManagedFields(meta.managedFields, path.child("managedFields")),
  );
  return errors;
}

/** One error when the values differ; an empty text counts as absent. */
export function validateImmutable(value: unknown, old: unknown, path: FieldPath | string): FieldError[] {
  return deepEqual(value || undefined, old || undefined) ? [] : [invalidValue(path, value, FIELD_IMMUTABLE)];
}

/** Keys (whatever their case) and the total size of annotations. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const m of isQualifiedName(key.toLowerCase())) errors.push(invalidValue(path, key, m));
    size += utf8Length(key) + utf8Length(value);
  }
  if (size > MAX_ANNOTATIONS_BYTES) errors.push(tooLong(path, MAX_ANNOTATIONS_BYTES));
  return errors;
}

/** Owner references: all parts given, one controller at most, no Event as owner. */
export function validateOwnerReferences(
  refs: readonly metav1.OwnerReference[] | undefined,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  let controller = "";
  for (const ref of refs ?? []) {
    errors.push(...validateOwnerReference(ref, path));
    if (ref.controller !== true) continue;
    const name = `${ref.kind}/${ref.name}`;
    if (controller === "") controller = name;
    else {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalidValue(path, refs, detail));
    }
  }
  return errors;
}

function validateOwnerReference(ref: metav1.OwnerReference, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const { group, version } = parseApiVersion(ref.apiVersion ?? "");
  if (version === "")
    errors.push(invalidValue(path.child("apiVersion"), ref.apiVersion ?? "", "version must not be empty"));
  for (const field of ["kind", "name", "uid"] as const) {
    if (!ref[field]) errors.push(invalidValue(path.child(field), "", "must not be empty"));
  }
  if (group === "" && version === "v1" && ref.kind === "Event") {
    errors.push(invalidValue(path, ref, `${printGvk([group, version, ref.kind])} is disallowed from being an owner`));
  }
  return errors;
}

/** Names of finalizers, and that orphan and foreground deletion are not both asked for. */
export function validateFinalizers(finalizers: readonly string[] | undefined, path: FieldPath): FieldError[] {
  const list = finalizers ?? [];
  const errors = list.flatMap((f) => isQualifiedName(f).map((m) => invalidValue(path, f, m)));
  if (list.includes("orphan") && list.includes("foregroundDeletion")) {
    errors.push(invalidValue(path, list, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

function noNewFinalizers(next: readonly string[] = [], old: readonly string[] = [], path: FieldPath): FieldError[] {
  const added = [...new Set(next)].filter((f) => !old.includes(f)).toSorted();
  if (added.length === 0) return [];
  const list = `[]string{${added.map(quote).join(", ")}}`;
  return [
    forbiddenField(path, `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`),
  ];
}
