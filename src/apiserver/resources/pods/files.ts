import type { corev1 } from "../../../api/index.ts";
import { invalidValue, required } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { validateFieldRef, validateResourceRef, VOLUME_FIELDS } from "./field-refs.ts";
import { validateFileMode, validateNonReservedPath } from "./paths.ts";

/** Keys shown as files. */
export function validateItems(errors: Errors, path: string, items: readonly corev1.KeyToPath[] | undefined): void {
  for (const [i, item] of (items ?? []).entries()) {
    const at = `${path}[${i}]`;
    if (!item.key) errors.push(required(`${at}.key`));
    if (!item.path) errors.push(required(`${at}.path`));
    validateNonReservedPath(errors, `${at}.path`, item.path ?? "");
    validateFileMode(errors, `${at}.mode`, item.mode);
  }
}

/** A file that shows a field of the pod or a resource of a container. */
export function validateDownwardFile(errors: Errors, path: string, file: corev1.DownwardAPIVolumeFile): void {
  if (!file.path) errors.push(required(`${path}.path`));
  validateNonReservedPath(errors, `${path}.path`, file.path ?? "");
  if (file.fieldRef) {
    validateFieldRef(errors, `${path}.fieldRef`, file.fieldRef, VOLUME_FIELDS);
    if (file.resourceFieldRef) {
      const words = "fieldRef and resourceFieldRef can not be specified simultaneously";
      errors.push(invalidValue(path, "resource", words));
    }
  } else if (file.resourceFieldRef) {
    validateResourceRef(errors, `${path}.resourceFieldRef`, file.resourceFieldRef, true);
  } else errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
  validateFileMode(errors, `${path}.mode`, file.mode);
}
