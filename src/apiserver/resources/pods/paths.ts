import { invalidValue } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";

/** No segment of the path may be `..`. */
export function validateNoBacksteps(errors: Errors, path: string, value: string): void {
  if (value.split("/").includes("..")) errors.push(invalidValue(path, value, "must not contain '..'"));
}

/** A relative path that stays below where it starts. */
export function validateDescendingPath(errors: Errors, path: string, value: string): void {
  if (value.startsWith("/")) errors.push(invalidValue(path, value, "must be a relative path"));
  validateNoBacksteps(errors, path, value);
}

/** As {@link validateDescendingPath}, and not a name that the kubelet keeps for itself (`..data`). */
export function validateNonReservedPath(errors: Errors, path: string, value: string): void {
  validateDescendingPath(errors, path, value);
  if (value.startsWith("..") && !value.startsWith("../")) {
    errors.push(invalidValue(path, value, "must not start with '..'"));
  }
}

const MODE = "must be a number between 0 and 0777 (octal), both inclusive";

/** Permission bits of a file. */
export function validateFileMode(errors: Errors, path: string, mode: number | undefined): void {
  if (mode !== undefined && (mode > 0o777 || mode < 0)) errors.push(invalidValue(path, mode, MODE));
}
