import type { metav1 } from "../../api/index.ts";
import { type FieldError, forbiddenField, invalidValue, required } from "../field/error.ts";
import { isQualifiedName, isValidLabelValue } from "../field/formats.ts";
import type { FieldPath } from "../field/path.ts";

/** Keys and values of labels. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const m of isQualifiedName(key)) errors.push(invalidValue(path, key, m));
    for (const m of isValidLabelValue(value)) errors.push(invalidValue(path, value, m));
  }
  return errors;
}

/** What a label selector is excused from. */
export interface LabelSelectorOptions {
  /** Values stored before they were checked may stay. */
  readonly allowInvalidValues?: boolean;
  /** Operators that only others understand pass (access reviews). */
  readonly allowUnknownOperators?: boolean;
}

/** A label selector inside an object. */
export function validateLabelSelector(
  selector: Readonly<metav1.LabelSelector> | undefined,
  path: FieldPath,
  options: LabelSelectorOptions = {},
): FieldError[] {
  if (!selector) return [];
  const expressions = path.child("matchExpressions");
  return [
    ...validateLabels(selector.matchLabels, path.child("matchLabels")),
    ...(selector.matchExpressions ?? []).flatMap((e, i) => validateRequirement(e, options, expressions.index(i))),
  ];
}

function validateRequirement(
  r: metav1.LabelSelectorRequirement,
  options: LabelSelectorOptions,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const values = r.values ?? [];
  const at = path.child("values");
  if (r.operator === "In" || r.operator === "NotIn") {
    if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (r.operator === "Exists" || r.operator === "DoesNotExist") {
    if (values.length > 0) {
      errors.push(forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else if (!options.allowUnknownOperators) {
    errors.push(invalidValue(path.child("operator"), r.operator ?? "", "not a valid selector operator"));
  }
  errors.push(...isQualifiedName(r.key ?? "").map((m) => invalidValue(path.child("key"), r.key ?? "", m)));
  if (options.allowInvalidValues) return errors;
  for (const [i, value] of values.entries()) {
    for (const m of isValidLabelValue(value)) errors.push(invalidValue(at.index(i), value, m));
  }
  return errors;
}
