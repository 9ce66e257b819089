import type { corev1 } from "../../../api/index.ts";
import {
  deepEqual,
  forbiddenField,
  invalidValue,
  isDns1123Subdomain,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, optionalFormat, optionalOneOf } from "../common/errors.ts";
import { validateLabelSelector } from "../common/labels.ts";
import { validatePositiveAmount } from "../common/quantities.ts";

/** Access modes of claims and volumes, sorted. */
export const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/** What of the rules an already stored claim is excused from. */
export interface ClaimRules {
  readonly allowInvalidSelectorValues?: boolean;
  readonly allowInvalidApiGroup?: boolean;
}

/** Modes that are known, and `ReadWriteOncePod` only alone. */
export function validateAccessModes(errors: Errors, path: string, modes: readonly string[]): void {
  for (const mode of modes) if (!ACCESS_MODES.includes(mode)) errors.push(notSupported(path, mode, ACCESS_MODES));
  if (modes.includes("ReadWriteOncePod") && modes.some((m) => m !== "ReadWriteOncePod" && ACCESS_MODES.includes(m))) {
    errors.push(forbiddenField(path, "may not use ReadWriteOncePod with other access modes"));
  }
}

/** A claim's spec, wherever it stands. */
export function validateClaimSpec(
  errors: Errors,
  path: string,
  spec: corev1.PersistentVolumeClaimSpec | undefined,
  rules: ClaimRules = {},
): void {
  const { accessModes = [], selector, resources, storageClassName, volumeMode, volumeAttributesClassName } = spec ?? {};
  if (accessModes.length === 0) errors.push(required(`${path}.accessModes`, "at least 1 access mode is required"));
  const options = { allowInvalidValues: rules.allowInvalidSelectorValues === true };
  validateLabelSelector(errors, `${path}.selector`, selector, options);
  validateAccessModes(errors, `${path}.accessModes`, accessModes);
  const size = resources?.requests?.["storage"];
  if (size === undefined) errors.push(required(`${path}.resources[storage]`));
  else validatePositiveAmount(errors, `${path}.resources[storage]`, size);
  const className = (name: string): string[] => nameIsDnsSubdomain(name, false);
  optionalFormat(errors, `${path}.storageClassName`, storageClassName, className);
  optionalOneOf(errors, `${path}.volumeMode`, volumeMode, ["Block", "Filesystem"]);
  validateDataSources(errors, path, spec ?? { resources: {} }, rules);
  optionalFormat(errors, `${path}.volumeAttributesClassName`, volumeAttributesClassName, className);
}

function validateDataSources(
  errors: Errors,
  path: string,
  spec: corev1.PersistentVolumeClaimSpec,
  rules: ClaimRules,
): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource) validateDataSource(errors, `${path}.dataSource`, dataSource, rules);
  if (!dataSourceRef) return;
  const { namespace, ...ref } = dataSourceRef;
  validateDataSource(errors, `${path}.dataSourceRef`, ref, rules);
  if (namespace) {
    invalidEach(errors, `${path}.dataSourceRef.namespace`, namespace, nameIsDnsLabel(namespace, false));
    if (dataSource) {
      const words = "may not be specified when dataSourceRef.namespace is specified";
      errors.push(invalidValue(path, `${path}.dataSource`, words));
    }
  } else if (dataSource && !deepEqual(dataSource, ref)) {
    errors.push(invalidValue(path, `${path}.dataSource`, "must match dataSourceRef"));
  }
}

function validateDataSource(
  errors: Errors,
  path: string,
  source: corev1.TypedLocalObjectReference,
  rules: ClaimRules,
): void {
  if (!source.name) errors.push(required(`${path}.name`));
  if (!source.kind) errors.push(required(`${path}.kind`));
  if (!source.apiGroup && source.kind !== "PersistentVolumeClaim") {
    const words = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(invalidValue(path, source.kind ?? "", words));
  }
  if (source.apiGroup && !rules.allowInvalidApiGroup) {
    invalidEach(errors, `${path}.apiGroup`, source.apiGroup, isDns1123Subdomain(source.apiGroup));
  }
}
