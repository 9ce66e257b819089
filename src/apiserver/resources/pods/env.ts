import type { corev1 } from "../../../api/index.ts";
import {
  invalidValue,
  isConfigMapKey,
  isDns1123Label,
  isRelaxedEnvVarName,
  nameIsDnsSubdomain,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, requireFormat } from "../common/errors.ts";
import { ENV_FIELDS, validateFieldRef, validateResourceRef } from "./field-refs.ts";
import type { PodRules } from "./options.ts";
import { validateNoBacksteps } from "./paths.ts";

/** A container's environment variables. */
export function validateEnv(errors: Errors, path: string, vars: readonly corev1.EnvVar[], rules: PodRules): void {
  for (const [i, variable] of vars.entries()) {
    const at = `${path}[${i}]`;
    requireFormat(errors, `${at}.name`, variable.name, isRelaxedEnvVarName);
    if (variable.valueFrom) validateSource(errors, `${at}.valueFrom`, variable, rules);
  }
}

function validateSource(errors: Errors, path: string, variable: corev1.EnvVar, rules: PodRules): void {
  const from = variable.valueFrom ?? {};
  let sources = 0;
  if (from.fieldRef) {
    sources++;
    validateFieldRef(errors, `${path}.fieldRef`, from.fieldRef, ENV_FIELDS);
  }
  if (from.resourceFieldRef) {
    sources++;
    validateResourceRef(errors, `${path}.resourceFieldRef`, from.resourceFieldRef, false);
  }
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    const ref = from[kind];
    if (!ref) continue;
    sources++;
    invalidEach(errors, `${path}.${kind}.name`, ref.name ?? "", nameIsDnsSubdomain(ref.name ?? "", false));
    requireFormat(errors, `${path}.${kind}.key`, ref.key, isConfigMapKey);
  }
  if (from.fileKeyRef) {
    sources++;
    validateFileKey(errors, `${path}.fileKeyRef`, from.fileKeyRef);
  }
  if (sources === 0) {
    const last = rules.gates.EnvFiles ? ", `secretKeyRef` or `fileKeyRef`" : " or `secretKeyRef`";
    errors.push(
      invalidValue(path, "", `must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`${last}`),
    );
  } else if (variable.value) {
    errors.push(invalidValue(path, "", "may not be specified when `value` is not empty"));
  } else if (sources > 1) errors.push(invalidValue(path, "", "may not have more than one field specified at a time"));
}

function validateFileKey(errors: Errors, path: string, ref: corev1.FileKeySelector): void {
  requireFormat(errors, `${path}.key`, ref.key, isRelaxedEnvVarName);
  requireFormat(errors, `${path}.volumeName`, ref.volumeName, isDns1123Label);
  if (!ref.path) errors.push(required(`${path}.path`));
  else validateNoBacksteps(errors, `${path}.path`, ref.path);
}

/** Whole config maps and secrets as environment variables. */
export function validateEnvFrom(errors: Errors, path: string, vars: readonly corev1.EnvFromSource[]): void {
  for (const [i, source] of vars.entries()) {
    const at = `${path}[${i}]`;
    if (source.prefix) invalidEach(errors, `${at}.prefix`, source.prefix, isRelaxedEnvVarName(source.prefix));
    let sources = 0;
    for (const kind of ["configMapRef", "secretRef"] as const) {
      const ref = source[kind];
      if (!ref) continue;
      sources++;
      requireFormat(errors, `${at}.${kind}.name`, ref.name, (name) => nameIsDnsSubdomain(name, true));
    }
    if (sources === 0) errors.push(invalidValue(path, "", "must specify one of: `configMapRef` or `secretRef`"));
    else if (sources > 1) errors.push(invalidValue(path, "", "may not have more than one field specified at a time"));
  }
}
