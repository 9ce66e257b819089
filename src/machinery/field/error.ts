import { goJson, quote } from "../errors/quote.ts";
import type { FieldPath } from "./path.ts";

/** Upstream's cause types for field errors. */
export type FieldErrorType =
  | "FieldValueRequired"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueDuplicate"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueNotFound"
  | "InternalError"
  | "FieldValueTypeInvalid";

/** One validation failure; types and wording as upstream's field errors have them. */
export interface FieldError {
  readonly type: FieldErrorType;
  /** Such as `spec.containers[0].name`. */
  readonly field: string;
  readonly detail: string;
  readonly value?: unknown;
}

const TEXT: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  InternalError: "Internal error",
  FieldValueTypeInvalid: "Invalid value",
};

/** Stands for a value that is too large to be shown. */
export const OMITTED: unique symbol = Symbol("omitted");

const WITHOUT_VALUE = new Set<FieldErrorType>([
  "FieldValueRequired",
  "FieldValueForbidden",
  "FieldValueTooLong",
  "InternalError",
]);

/** The error without its field: `Invalid value: -1: must be greater than or equal to 0`. */
export function errorBody(error: FieldError): string {
  const omit =
    WITHOUT_VALUE.has(error.type) ||
    (error.type === "FieldValueTooMany" && error.value === undefined) ||
    error.value === OMITTED;
  const text = TEXT[error.type] + (omit ? "" : `: ${printValue(error.value)}`);
  return error.detail === "" ? text : `${text}: ${error.detail}`;
}

/** The whole error: `spec.replicas: Invalid value: -1: must be greater than or equal to 0`. */
export function errorText(error: FieldError): string {
  return `${error.field}: ${errorBody(error)}`;
}

function printValue(value: unknown): string {
  if (typeof value === "string") return quote(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : goJson(value);
}

function make(type: FieldErrorType, path: FieldPath | string, detail: string, value?: unknown): FieldError {
  return { type, field: String(path), detail, ...(value !== undefined && { value }) };
}

/** A value that must be given is missing. */
export function required(path: FieldPath | string, detail = ""): FieldError {
  return make("FieldValueRequired", path, detail);
}

/** A malformed or out-of-range value. */
export function invalidValue(path: FieldPath | string, value: unknown, detail: string): FieldError {
  return make("FieldValueInvalid", path, detail, value);
}

/** A value of the wrong JSON type. */
export function typeInvalid(path: FieldPath | string, value: unknown, detail: string): FieldError {
  return make("FieldValueTypeInvalid", path, detail, value);
}

/** A value that is none of the known ones. They are listed in the order given. */
export function notSupported(path: FieldPath | string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length > 0 ? `supported values: ${supported.map(quote).join(", ")}` : "";
  return make("FieldValueNotSupported", path, detail, value);
}

/** A value that other fields, policy or state forbid here. */
export function forbiddenField(path: FieldPath | string, detail: string): FieldError {
  return make("FieldValueForbidden", path, detail);
}

/** A value that must be unique and is not. */
export function duplicate(path: FieldPath | string, value: unknown): FieldError {
  return make("FieldValueDuplicate", path, "", value);
}

/** What the value refers to does not exist. */
export function fieldNotFound(path: FieldPath | string, value: unknown): FieldError {
  return make("FieldValueNotFound", path, "", value);
}

/** Longer than `max` bytes. The value itself is never printed. */
export function tooLong(path: FieldPath | string, max: number): FieldError {
  const detail = max < 0 ? "value is too long" : `may not be more than ${max} ${max === 1 ? "byte" : "bytes"}`;
  return make("FieldValueTooLong", path, detail);
}

/** More than `max` items; `actual` below zero leaves the count out. */
export function tooMany(path: FieldPath | string, actual: number, max: number): FieldError {
  const detail = max < 0 ? "has too many items" : `must have at most ${max} ${max === 1 ? "item" : "items"}`;
  return make("FieldValueTooMany", path, detail, actual >= 0 ? actual : undefined);
}

/** A failure that is not the caller's fault. */
export function internalFieldError(path: FieldPath | string, cause: unknown): FieldError {
  return make("InternalError", path, cause instanceof Error ? cause.message : String(cause));
}
