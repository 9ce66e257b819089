import type { corev1 } from "../../api/index.ts";
import { CodedError } from "../../kit/index.ts";
import type { Container, Pod } from "./containers.ts";
import { type DownwardContext, fieldValue, resourceValue } from "./downward.ts";
import { expand } from "./expand.ts";

/** Objects a container's environment reads, fetched beforehand. Absent: there is none of that name. */
export interface EnvironmentSources extends DownwardContext {
  readonly services: ReadonlyMap<string, string>;
  readonly configMaps: ReadonlyMap<string, corev1.ConfigMap>;
  readonly secrets: ReadonlyMap<string, corev1.Secret>;
}

export interface ObjectNames {
  readonly configMaps: readonly string[];
  readonly secrets: readonly string[];
}

/** The config maps and secrets that a container's environment names. */
export function environmentObjects(container: Container): ObjectNames {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef?.name) configMaps.add(configMapRef.name);
    if (secretRef?.name) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}

/**
 * A container's variables in order: `envFrom`, then `env` (with `$(NAME)` expanded from what stands before and from the
 * services), then the services' that nothing else set. Throws `ContainerConfig` where something required is missing.
 */
export function buildEnvironment(container: Container, pod: Pod, sources: EnvironmentSources): Map<string, string> {
  const out = new Map<string, string>();
  for (const from of container.envFrom ?? []) addFrom(out, from, sources);
  const lookup = (name: string): string | undefined => out.get(name) ?? sources.services.get(name);
  for (const variable of container.env ?? []) {
    const value =
      variable.valueFrom && !variable.value
        ? valueFrom(variable.valueFrom, container, pod, sources)
        : expand(variable.value ?? "", lookup);
    if (value !== undefined) out.set(variable.name, value);
  }
  for (const [name, value] of sources.services) if (!out.has(name)) out.set(name, value);
  return out;
}

function addFrom(out: Map<string, string>, from: corev1.EnvFromSource, sources: EnvironmentSources): void {
  const prefix = from.prefix ?? "";
  if (from.configMapRef) {
    const { name = "", optional } = from.configMapRef;
    const found = sources.configMaps.get(name);
    if (!found && !optional) throw missing("configmap", name);
    for (const [key, value] of Object.entries(found?.data ?? {}).toSorted(byKey)) out.set(prefix + key, value);
  }
  if (from.secretRef) {
    const { name = "", optional } = from.secretRef;
    const found = sources.secrets.get(name);
    if (!found && !optional) throw missing("secret", name);
    for (const [key, value] of Object.entries(found?.data ?? {}).toSorted(byKey)) out.set(prefix + key, plain(value));
  }
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

/** Undefined: optional and not there. */
function valueFrom(
  source: corev1.EnvVarSource,
  container: Container,
  pod: Pod,
  sources: EnvironmentSources,
): string | undefined {
  if (source.fieldRef) return fieldValue(source.fieldRef.fieldPath, pod, sources);
  if (source.resourceFieldRef) return resourceValue(source.resourceFieldRef, pod, container.name, sources);
  if (source.configMapKeyRef) {
    const { name = "", key, optional } = source.configMapKeyRef;
    const found = sources.configMaps.get(name);
    if (!found && !optional) throw missing("configmap", name);
    const value = found?.data?.[key];
    if (value === undefined && !optional) throw missingKey("ConfigMap", key, pod, name);
    return value;
  }
  if (source.secretKeyRef) {
    const { name = "", key, optional } = source.secretKeyRef;
    const found = sources.secrets.get(name);
    if (!found && !optional) throw missing("secret", name);
    const value = found?.data?.[key];
    if (value === undefined && !optional) throw missingKey("Secret", key, pod, name);
    return value === undefined ? undefined : plain(value);
  }
  return undefined;
}

function plain(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

function missing(kind: string, name: string): CodedError {
  return new CodedError("ContainerConfig", `${kind} "${name}" not found`);
}

function missingKey(kind: string, key: string, pod: Pod, name: string): CodedError {
  return new CodedError("ContainerConfig", `couldn't find key ${key} in ${kind} ${pod.metadata.namespace}/${name}`);
}
