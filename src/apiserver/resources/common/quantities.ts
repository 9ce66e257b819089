import { invalidValue, isQualifiedName, Quantity } from "../../../machinery/index.ts";
import { type Errors, invalidEach, NEGATIVE, NOT_POSITIVE } from "./errors.ts";

const STANDARD = new Set([
  "cpu",
  "memory",
  "ephemeral-storage",
  "requests.cpu",
  "requests.memory",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "storage",
  "requests.storage",
  "services.nodeports",
  "services.loadbalancers",
]);
const COUNTED = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
const CONTAINER = new Set(["cpu", "memory", "ephemeral-storage"]);
const HUGE = "hugepages-";

/** `hugepages-2Mi`. */
export function isHugePages(name: string): boolean {
  return name.startsWith(HUGE);
}

/** A resource that Kubernetes itself defines: no domain, or one of `kubernetes.io`. */
export function isNativeResource(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

/** A resource of a device plugin, such as `example.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith("requests.") && isQualifiedName(`requests.${name}`).length === 0;
}

/** Whether requests may be lower than limits. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

/** Whether a name without a domain is one that quotas know. */
export function isStandardQuotaResource(name: string): boolean {
  return (name !== "storage" && STANDARD.has(name)) || isHugePages(name) || name.startsWith(`requests.${HUGE}`);
}

/** A resource name anywhere: qualified, and standard when it has no domain. False when the format itself is wrong. */
export function validateResourceName(errors: Errors, path: string, name: string): boolean {
  const before = errors.length;
  invalidEach(errors, path, name, isQualifiedName(name));
  if (errors.length > before) return false;
  if (!name.includes("/") && !STANDARD.has(name) && !isHugePages(name) && !name.startsWith(`requests.${HUGE}`)) {
    errors.push(invalidValue(path, name, "must be a standard resource type or fully qualified"));
  }
  return errors.length === before;
}

/** A resource that a container may request or be limited in. */
export function validateContainerResourceName(errors: Errors, path: string, name: string): void {
  validateResourceName(errors, path, name);
  if (!name.includes("/")) {
    if (!CONTAINER.has(name) && !isHugePages(name)) {
      errors.push(invalidValue(path, name, "must be a standard resource for containers"));
    }
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalidValue(path, name, "doesn't follow extended resource name standard"));
  }
}

/** A resource that a quota may count. */
export function validateQuotaResourceName(errors: Errors, path: string, name: string): void {
  validateResourceName(errors, path, name);
  if (!name.includes("/") && !isStandardQuotaResource(name)) {
    errors.push(invalidValue(path, name, "must be a standard resource for quota"));
  }
}

/** An amount of a resource: not below zero, and whole where only whole ones make sense. */
export function validateResourceAmount(errors: Errors, path: string, name: string, amount: string): void {
  const quantity = Quantity.parse(amount);
  if (quantity.sign() < 0) errors.push(invalidValue(path, quantity.toString(), NEGATIVE));
  if ((COUNTED.has(name) || isExtendedResource(name)) && !isWhole(amount)) {
    errors.push(invalidValue(path, quantity.toString(), "must be an integer"));
  }
}

/** An amount above zero. */
export function validatePositiveAmount(errors: Errors, path: string, amount: string): boolean {
  const quantity = Quantity.parse(amount);
  if (quantity.sign() > 0) return true;
  errors.push(invalidValue(path, quantity.toString(), NOT_POSITIVE));
  return false;
}

/** The order of two amounts: below, at or above zero. */
export function compareAmounts(a: string, b: string): number {
  return a === b ? 0 : Quantity.parse(a).cmp(Quantity.parse(b));
}

/** Whether an amount has no fraction. */
export function isWhole(amount: string): boolean {
  return Quantity.parse(amount).milliValue() % 1000 === 0;
}

/** Whether an amount of huge pages is a multiple of their size. */
export function isHugePageMultiple(name: string, amount: string): boolean {
  const size = Quantity.parse(name.slice(HUGE.length));
  return size.sign() > 0 && Quantity.parse(amount).value() % size.value() === 0;
}
