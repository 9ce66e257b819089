import type { corev1 } from "../../../api/index.ts";
import { invalidValue, isQualifiedName, notSupported, Quantity, required } from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";

/** Fields that an environment variable may show. */
export const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
/** Fields that a file of a downward API volume may show. */
export const VOLUME_FIELDS = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];
const CONVERTIBLE = new Set([
  ...ENV_FIELDS,
  ...VOLUME_FIELDS,
  "spec.restartPolicy",
  "spec.schedulerName",
  "status.phase",
]);
const RESOURCES = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];
const SIZES = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/** `metadata.labels['app']` as its path and subscript. */
export function splitSubscript(path: string): [path: string, subscript: string | undefined] {
  const open = path.indexOf("['");
  return path.endsWith("']") && open >= 0 ? [path.slice(0, open), path.slice(open + 2, -2)] : [path, undefined];
}

/** A field of the pod shown to its containers. */
export function validateFieldRef(
  errors: Errors,
  path: string,
  ref: corev1.ObjectFieldSelector,
  known: readonly string[],
): void {
  if (!ref.apiVersion) return void errors.push(required(`${path}.apiVersion`));
  if (!ref.fieldPath) return void errors.push(required(`${path}.fieldPath`));
  const problem = unreadable(ref.apiVersion, ref.fieldPath);
  if (problem) {
    errors.push(invalidValue(`${path}.fieldPath`, ref.fieldPath, `error converting fieldPath: ${problem}`));
    return;
  }
  const [field, subscript] = splitSubscript(ref.fieldPath === "spec.host" ? "spec.nodeName" : ref.fieldPath);
  if (subscript !== undefined) {
    const key = field === "metadata.annotations" ? subscript.toLowerCase() : subscript;
    invalidEach(errors, path, key, isQualifiedName(key));
  } else if (!known.includes(field)) errors.push(notSupported(`${path}.fieldPath`, field, known));
}

function unreadable(apiVersion: string, fieldPath: string): string | undefined {
  if (apiVersion !== "v1") return `unsupported pod version: ${apiVersion}`;
  const [field, subscript] = splitSubscript(fieldPath);
  if (subscript !== undefined) {
    const ok = field === "metadata.annotations" || field === "metadata.labels";
    return ok ? undefined : `field label does not support subscript: ${fieldPath}`;
  }
  return CONVERTIBLE.has(field) || field === "spec.host" ? undefined : `field label not supported: ${fieldPath}`;
}

/** A container's request or limit shown to it. `volume`: in a volume, where the container must be named. */
export function validateResourceRef(
  errors: Errors,
  path: string,
  ref: corev1.ResourceFieldSelector,
  volume: boolean,
): void {
  const name = ref.resource ?? "";
  const huge = name.startsWith("requests.hugepages-") || name.startsWith("limits.hugepages-");
  if (volume && !ref.containerName) errors.push(required(`${path}.containerName`));
  else if (name === "") errors.push(required(`${path}.resource`));
  else if (!RESOURCES.includes(name) && !huge) errors.push(notSupported(`${path}.resource`, name, RESOURCES));
  validateDivisor(errors, `${path}.divisor`, name, ref.divisor);
}

function validateDivisor(errors: Errors, path: string, name: string, divisor: string | undefined): void {
  const text = divisor === undefined ? "0" : Quantity.parse(divisor).toString();
  if (text === "0") return;
  const wrong = (allowed: readonly string[], words: string): void => {
    if (!allowed.includes(text)) errors.push(invalidValue(path, name, words));
  };
  const sizes = (what: string): void =>
    wrong(SIZES, `only divisor's values ${SIZES.join(", ")} are supported with the ${what} resource`);
  if (name.endsWith(".cpu")) wrong(["1m", "1"], "only divisor's values 1m and 1 are supported with the cpu resource");
  else if (name.endsWith(".memory")) sizes("memory");
  else if (name.endsWith(".ephemeral-storage")) sizes("local ephemeral storage");
  else if (name.includes(".hugepages-")) sizes("hugepages");
}
