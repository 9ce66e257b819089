import type { corev1, metav1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  isValidPercent,
  notSupported,
  required,
  selectorFrom,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, nonNegative } from "./errors.ts";
import { isEmptySelector, validateLabelSelector } from "./labels.ts";

/** A count, or a share of one such as `25%`. */
export type IntOrPercent = number | string | undefined;

/** The number that counts: of a percentage, the digits. */
export function amountOf(value: IntOrPercent): number {
  return typeof value === "string" ? Number.parseInt(value, 10) || 0 : (value ?? 0);
}

/** A count or share that is not below zero. */
export function validateIntOrPercent(errors: Errors, path: string, value: IntOrPercent): void {
  if (typeof value === "string") invalidEach(errors, path, value, isValidPercent(value));
  else nonNegative(errors, path, value);
}

/** A share that is not more than the whole. */
export function validateAtMostAll(errors: Errors, path: string, value: IntOrPercent): void {
  if (typeof value === "string" && isValidPercent(value).length === 0 && amountOf(value) > 100) {
    errors.push(invalidValue(path, value, "must not be greater than 100%"));
  }
}

/** A required selector that selects something; `kind` is named when it does not. */
export function validateRequiredSelector(
  errors: Errors,
  path: string,
  selector: metav1.LabelSelector | undefined,
  kind: string,
): void {
  if (!selector) return void errors.push(required(path));
  validateLabelSelector(errors, path, selector);
  if (isEmptySelector(selector)) errors.push(invalidValue(path, selector, `empty selector is invalid for ${kind}`));
}

/** The selector as one can match with it; undefined when it is malformed. */
export function compileSelector(
  selector: metav1.LabelSelector | undefined,
): ReturnType<typeof selectorFrom> | undefined {
  try {
    return selectorFrom(selector);
  } catch {
    return undefined;
  }
}

/** A template's labels must be what the selector asks for. */
export function validateTemplateLabels(
  errors: Errors,
  path: string,
  template: corev1.PodTemplateSpec,
  selector: metav1.LabelSelector | undefined,
): void {
  const labels = template.metadata?.labels ?? {};
  if (compileSelector(selector)?.matches(labels) === false) {
    const words = "`selector` does not match template `labels`";
    errors.push(invalidValue(`${path}.metadata.labels`, template.metadata?.labels ?? null, words));
  }
}

/** Templates of pods that are to run for ever. */
export function validateRunsForever(
  errors: Errors,
  path: string,
  spec: corev1.PodSpec | undefined,
  kind: string,
): void {
  if (spec?.restartPolicy !== "Always") {
    errors.push(notSupported(`${path}.spec.restartPolicy`, spec?.restartPolicy ?? "", ["Always"]));
  }
  if (spec?.activeDeadlineSeconds !== undefined) {
    const words = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(forbiddenField(`${path}.spec.activeDeadlineSeconds`, words));
  }
}

/** A collision counter only grows. */
export function validateCollisions(errors: Errors, next: number | undefined, old: number | undefined): void {
  if (old !== undefined && (next === undefined || next < old)) {
    errors.push(invalidValue("status.collisionCount", next ?? 0, "cannot be decremented"));
  }
}

/** Counters that are not below zero. */
export function validateCounters<T>(
  errors: Errors,
  path: string,
  status: T,
  fields: readonly (keyof T & string)[],
): void {
  for (const field of fields) nonNegative(errors, `${path}.${field}`, status[field] as number | undefined);
}

/** Counters that are not above the whole. */
export function validateParts<T extends { replicas?: number }>(
  errors: Errors,
  status: T,
  fields: readonly (keyof T & string)[],
): void {
  for (const field of fields) {
    const value = (status[field] as number | undefined) ?? 0;
    if (value > (status.replicas ?? 0)) {
      errors.push(invalidValue(`status.${field}`, value, "cannot be greater than status.replicas"));
    }
  }
}
