import type { metav1 } from "../../../api/index.ts";
import {
  FieldPath,
  isValidLabelValue,
  validateLabels as labelErrors,
  validateLabelSelector as selectorErrors,
} from "../../../machinery/index.ts";
import type { Errors } from "./errors.ts";

/** Labels: keys are qualified names, values label values; all are reported at the map's path. */
export function validateLabels(
  errors: Errors,
  path: string,
  labels: Readonly<Record<string, string>> | undefined,
): void {
  if (labels) errors.push(...labelErrors(labels, FieldPath.root(path)));
}

/** A label selector; absent is fine. */
export function validateLabelSelector(
  errors: Errors,
  path: string,
  selector: metav1.LabelSelector | undefined,
  options: { readonly allowInvalidValues?: boolean } = {},
): void {
  if (selector) errors.push(...selectorErrors(selector, FieldPath.root(path), options));
}

/** Whether a stored selector already breaks the rule for values, so that it may go on doing so. */
export function hasInvalidSelectorValue(selector: metav1.LabelSelector | undefined): boolean {
  return (selector?.matchExpressions ?? []).some((r) => (r.values ?? []).some((v) => isValidLabelValue(v).length > 0));
}

/** Whether a selector says nothing: it has neither labels nor expressions. */
export function isEmptySelector(selector: metav1.LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions?.length ?? 0) === 0;
}
