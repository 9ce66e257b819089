import { invalidValue, notSupported, required } from "../../../machinery/index.ts";
import type { FieldError } from "../../seams/index.ts";

/** Where validations put what they find. They only ever append. */
export type Errors = FieldError[];

/** Upstream's words for a field that may not change. */
export const IMMUTABLE = "field is immutable";
/** Upstream's words for a number below zero. */
export const NEGATIVE = "must be greater than or equal to 0";
/** Upstream's words for a number that must be above zero. */
export const NOT_POSITIVE = "must be greater than zero";

/** One `Invalid value` for each thing a format check found wrong. */
export function invalidEach(errors: Errors, path: string, value: unknown, messages: readonly string[]): void {
  for (const message of messages) errors.push(invalidValue(path, value, message));
}

/** A required field that must be one of a sorted list of values. */
export function requireOneOf(errors: Errors, path: string, value: string | undefined, known: readonly string[]): void {
  if (value === undefined || value === "") errors.push(required(path));
  else if (!known.includes(value)) errors.push(notSupported(path, value, known));
}

/** An optional field that, when there, must be one of a sorted list of values. */
export function optionalOneOf(errors: Errors, path: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value)) errors.push(notSupported(path, value, known));
}

/** A number that may not be below zero; absent counts as zero. */
export function nonNegative(errors: Errors, path: string, value: number | undefined): void {
  if ((value ?? 0) < 0) errors.push(invalidValue(path, value, NEGATIVE));
}

/** A number that must be above zero; absent counts as zero. */
export function positive(errors: Errors, path: string, value: number | undefined): void {
  if ((value ?? 0) <= 0) errors.push(invalidValue(path, value ?? 0, NOT_POSITIVE));
}

/** A required name that must follow a format. */
export function requireFormat(
  errors: Errors,
  path: string,
  value: string | undefined,
  check: (value: string) => string[],
): void {
  if (value === undefined || value === "") errors.push(required(path));
  else invalidEach(errors, path, value, check(value));
}

/** A format that is checked only when the field is set. */
export function optionalFormat(
  errors: Errors,
  path: string,
  value: string | undefined,
  check: (value: string) => string[],
): void {
  if (value !== undefined && value !== "") invalidEach(errors, path, value, check(value));
}
