import type { metav1 } from "../../api/index.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required, tooLong } from "../field/error.ts";
import { isQualifiedName } from "../field/formats.ts";
import type { FieldPath } from "../field/path.ts";
import { regexError, utf8Length } from "../field/text-rules.ts";

const MAX_MANAGER = 128;
const MAX_SUBRESOURCE = 256;

/** Name of a field manager: short and printable. */
export function validateFieldManager(manager: string | undefined, path: FieldPath | string): FieldError[] {
  if (!manager) return [];
  const errors: FieldError[] = [];
  if (utf8Length(manager) > MAX_MANAGER) errors.push(tooLong(path, MAX_MANAGER));
  let position = 0;
  for (const rune of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune)) {
      const code = (rune.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      errors.push(invalidValue(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += utf8Length(rune);
  }
  return errors;
}

/** `metadata.managedFields`. */
export function validateManagedFields(
  entries: readonly metav1.ManagedFieldsEntry[] | undefined,
  path: FieldPath,
): FieldError[] {
  return (entries ?? []).flatMap((entry, i) => {
    const at = path.index(i);
    const errors: FieldError[] = [];
    if (entry.operation !== "Apply" && entry.operation !== "Update") {
      errors.push(invalidValue(at.child("operation"), entry.operation ?? "", "must be `Apply` or `Update`"));
    }
    if (entry.fieldsType && entry.fieldsType !== "FieldsV1") {
      errors.push(invalidValue(at.child("fieldsType"), entry.fieldsType, "must be `FieldsV1`"));
    }
    errors.push(...validateFieldManager(entry.manager, at.child("manager")));
    if (utf8Length(entry.subresource ?? "") > MAX_SUBRESOURCE)
      errors.push(tooLong(at.child("subresource"), MAX_SUBRESOURCE));
    return errors;
  });
}

/** Options of create and update, from the query. */
export function validateWriteOptions(o: Readonly<metav1.CreateOptions>): FieldError[] {
  return [
    ...validateFieldManager(o.fieldManager, "fieldManager"),
    ...validateDryRun(o.dryRun),
    ...validateFieldValidation(o.fieldValidation),
  ];
}

/** Options of patch; `apply` for server-side apply. */
export function validatePatchOptions(o: Readonly<metav1.PatchOptions>, apply: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (apply && !o.fieldManager) errors.push(required("fieldManager", "is required for apply patch"));
  if (!apply && o.force !== undefined) errors.push(forbiddenField("force", "may not be specified for non-apply patch"));
  return [...errors, ...validateWriteOptions(o)];
}

const POLICIES = ["Foreground", "Background", "Orphan"];

/** Options of delete. */
export function validateDeleteOptions(o: Readonly<Partial<metav1.DeleteOptions>>): FieldError[] {
  const errors: FieldError[] = [];
  const policy = o.propagationPolicy;
  if (o.orphanDependents !== undefined && policy !== undefined) {
    const detail = "orphanDependents and deletionPropagation cannot be both set";
    errors.push(invalidValue("propagationPolicy", policy, detail));
  }
  if (policy !== undefined && !POLICIES.includes(policy)) {
    errors.push(notSupported("propagationPolicy", policy, [...POLICIES, "nil"]));
  }
  errors.push(...validateDryRun(o.dryRun));
  if (o.ignoreStoreReadErrorWithClusterBreakingPotential !== true) return errors;
  for (const other of [
    "dryRun",
    "propagationPolicy",
    "orphanDependents",
    "gracePeriodSeconds",
    "preconditions",
  ] as const) {
    const value = o[other];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    const field = "ignoreStoreReadErrorWithClusterBreakingPotential";
    errors.push(invalidValue(field, true, `cannot be set together with .${other}`));
  }
  return errors;
}

function validateDryRun(dryRun: readonly string[] | undefined): FieldError[] {
  return (dryRun ?? []).every((v) => v === "All") ? [] : [notSupported("dryRun", dryRun, ["All"])];
}

function validateFieldValidation(value: string | undefined): FieldError[] {
  if (!value || value === "Ignore" || value === "Warn" || value === "Strict") return [];
  return [notSupported("fieldValidation", value, ["", "Ignore", "Strict", "Warn"])];
}

const REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const REASON_REGEX = new RegExp(`^${REASON}$`);
const REASON_WORDS =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
const REASON_EXAMPLES = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"];

/** A list of metav1.Condition: types unique, every part well formed. */
export function validateConditions(
  conditions: readonly Partial<metav1.Condition>[] | undefined,
  path: FieldPath,
): FieldError[] {
  const seen = new Set<string>();
  return (conditions ?? []).flatMap((condition, i) => {
    const type = condition.type ?? "";
    const at = path.index(i);
    const errors: FieldError[] = seen.has(type)
      ? [{ type: "FieldValueDuplicate", field: at.child("type").toString(), detail: "", value: type }]
      : [];
    seen.add(type);
    return [...errors, ...validateCondition(condition, at)];
  });
}

function validateCondition(c: Partial<metav1.Condition>, path: FieldPath): FieldError[] {
  const errors = isQualifiedName(c.type ?? "").map((m) => invalidValue(path.child("type"), c.type ?? "", m));
  if (c.status !== "True" && c.status !== "False" && c.status !== "Unknown") {
    errors.push(notSupported(path.child("status"), c.status ?? "", ["False", "True", "Unknown"]));
  }
  if ((c.observedGeneration ?? 0) < 0) {
    errors.push(
      invalidValue(path.child("observedGeneration"), c.observedGeneration, "must be greater than or equal to zero"),
    );
  }
  if (!c.lastTransitionTime) errors.push(required(path.child("lastTransitionTime")));
  const reason = c.reason ?? "";
  if (reason === "") errors.push(required(path.child("reason")));
  else if (!REASON_REGEX.test(reason)) {
    errors.push(invalidValue(path.child("reason"), reason, regexError(REASON_WORDS, REASON, ...REASON_EXAMPLES)));
  }
  if (utf8Length(reason) > 1024) errors.push(tooLong(path.child("reason"), 1024));
  if (utf8Length(c.message ?? "") > 32 * 1024) errors.push(tooLong(path.child("message"), 32 * 1024));
  return errors;
}
