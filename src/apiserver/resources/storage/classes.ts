import type { corev1, storagev1 } from "../../../api/index.ts";
import {
  deepEqual,
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  notSupported,
  required,
  tooLong,
  utf8Length,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, requireOneOf } from "../common/errors.ts";
import { deprecatedNodeLabel } from "../common/node-labels.ts";
import type { Kind } from "../kind.ts";

type StorageClass = storagev1.StorageClass;

/** Storage classes. */
export function storageClasses(): Kind<StorageClass> {
  return {
    validate(object) {
      const errors: Errors = [];
      validateProvisioner(errors, "provisioner", object.provisioner);
      validateParameters(errors, object.parameters ?? {}, true);
      const policy = object.reclaimPolicy;
      const policies = ["Delete", "Retain"];
      if (policy && !policies.includes(policy)) errors.push(notSupported("reclaimPolicy", policy, policies));
      requireOneOf(errors, "volumeBindingMode", object.volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]);
      validateTopologies(errors, object.allowedTopologies ?? []);
      return errors;
    },
    updateChecksChangeOnly: true,
    validateChange(next, old) {
      const errors: Errors = [];
      for (const field of ["parameters", "provisioner", "reclaimPolicy"] as const) {
        if (!deepEqual(next[field], old[field]))
          errors.push(forbiddenField(field, `updates to ${field} are forbidden.`));
      }
      return [...errors, ...validateImmutable(next.volumeBindingMode, old.volumeBindingMode, "volumeBindingMode")];
    },
    warnings: ({ allowedTopologies = [] }) =>
      allowedTopologies.flatMap((term, i) =>
        (term.matchLabelExpressions ?? []).flatMap(({ key }, j) => {
          const message = deprecatedNodeLabel(key);
          const at = `allowedTopologies[${i}].matchLabelExpressions[${j}].key`;
          return message === undefined ? [] : [`${at}: ${message}`];
        }),
      ),
  };
}

function validateProvisioner(errors: Errors, path: string, name: string): void {
  if (!name) errors.push(required(path));
  else invalidEach(errors, path, name.toLowerCase(), isQualifiedName(name.toLowerCase()));
}

function validateParameters(errors: Errors, parameters: Readonly<Record<string, string>>, allowEmpty: boolean): void {
  const entries = Object.entries(parameters);
  const at = "parameters";
  if (entries.length > 512) return void errors.push(tooLong(at, 512));
  let size = 0;
  for (const [key, value] of entries) {
    if (key === "") errors.push(invalidValue(at, key, "field can not be empty."));
    size += utf8Length(key) + utf8Length(value);
  }
  if (size > 256 * 1024) errors.push(tooLong(at, 256 * 1024));
  if (!allowEmpty && entries.length === 0) errors.push(required(at, "must contain at least one key/value pair"));
}

function validateTopologies(errors: Errors, terms: readonly corev1.TopologySelectorTerm[]): void {
  const seen: Record<string, string[]>[] = [];
  for (const [i, term] of terms.entries()) {
    const at = `allowedTopologies[${i}].matchLabelExpressions`;
    const values: Record<string, string[]> = {};
    for (const [j, requirement] of (term.matchLabelExpressions ?? []).entries()) {
      const list = requirement.values ?? [];
      if (list.length === 0) errors.push(required(`${at}[${j}].values`));
      for (const [k, value] of list.entries()) {
        if (list.indexOf(value) < k) errors.push(duplicate(`${at}[${j}].values[${k}]`, value));
      }
      invalidEach(errors, `${at}[${j}].key`, requirement.key, isQualifiedName(requirement.key));
      if (Object.hasOwn(values, requirement.key)) errors.push(duplicate(`${at}[${j}].key`, requirement.key));
      values[requirement.key] = [...new Set(list)].toSorted();
    }
    if (seen.some((other) => deepEqual(other, values))) errors.push(duplicate(at, ""));
    seen.push(values);
  }
}

/** Classes of attributes that volumes can be changed to. */
export function volumeAttributesClasses(): Kind<storagev1.VolumeAttributesClass> {
  return {
    validate({ driverName, parameters }) {
      const errors: Errors = [];
      validateProvisioner(errors, "driverName", driverName);
      validateParameters(errors, parameters ?? {}, false);
      return errors;
    },
    validateChange(next, old) {
      const errors: Errors = [];
      for (const field of ["driverName", "parameters"] as const) {
        if (!deepEqual(next[field], old[field]))
          errors.push(forbiddenField(field, `updates to ${field} are forbidden.`));
      }
      return errors;
    },
  };
}
