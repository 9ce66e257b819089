import type { corev1 } from "../../../api/index.ts";
import {
  duplicate,
  fieldNotFound,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  notSupported,
  Quantity,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, requireOneOf } from "../common/errors.ts";
import {
  compareAmounts,
  isHugePageMultiple,
  isHugePages,
  isOvercommitAllowed,
  validateContainerResourceName,
  validateResourceAmount,
  validateResourceName,
} from "../common/quantities.ts";
import type { PodRules } from "./options.ts";

type NameCheck = (errors: Errors, path: string, name: string) => void;

/** Which names and claims are known where requests and limits stand. */
export interface ResourceContext {
  readonly rules: Pick<PodRules, "allowIndivisibleHugePages">;
  /** Names of `spec.resourceClaims`. */
  readonly claims: ReadonlySet<string>;
  readonly checkName?: NameCheck;
}

/** Requests, limits and claims. */
export function validateRequirements(
  errors: Errors,
  path: string,
  requirements: corev1.ResourceRequirements | undefined,
  context: ResourceContext,
): void {
  const { limits = {}, requests = {}, claims = [] } = requirements ?? {};
  const checkName = context.checkName ?? validateContainerResourceName;
  for (const name in limits)
    validateAmount(errors, `${path}.limits[${name}]`, [name, limits[name] ?? "0"], context, checkName);
  for (const name in requests) {
    const amount = requests[name] ?? "0";
    validateAmount(errors, `${path}.requests[${name}]`, [name, amount], context, checkName);
    const limit = limits[name];
    if (limit === undefined) {
      if (!isOvercommitAllowed(name)) {
        errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
      }
      continue;
    }
    const order = compareAmounts(amount, limit);
    const text = Quantity.parse(amount).toString();
    const bound = `${name} limit of ${Quantity.parse(limit).toString()}`;
    if (order !== 0 && !isOvercommitAllowed(name)) {
      errors.push(invalidValue(`${path}.requests`, text, `must be equal to ${bound}`));
    } else if (order > 0) errors.push(invalidValue(`${path}.requests`, text, `must be less than or equal to ${bound}`));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.some((n) => n === "cpu" || n === "memory")) {
    errors.push(forbiddenField(path, "HugePages require cpu or memory"));
  }
  validateClaims(errors, `${path}.claims`, claims, context.claims);
}

function validateAmount(
  errors: Errors,
  path: string,
  [name, amount]: [string, string],
  context: ResourceContext,
  checkName: NameCheck,
): void {
  checkName(errors, path, name);
  validateResourceAmount(errors, path, name, amount);
  if (isHugePages(name) && !context.rules.allowIndivisibleHugePages && !isHugePageMultiple(name, amount)) {
    const text = Quantity.parse(amount).toString();
    errors.push(invalidValue(path, text, `${text} is not positive integer multiple of ${name}`));
  }
}

function validateClaims(
  errors: Errors,
  path: string,
  claims: readonly corev1.ResourceClaim[],
  known: ReadonlySet<string>,
): void {
  const seen = new Set<string>();
  for (const [i, { name, request }] of claims.entries()) {
    const at = `${path}[${i}]`;
    if (name === "") {
      errors.push(required(at));
      continue;
    }
    if (seen.has(name)) errors.push(duplicate(at, name));
    else {
      if (request) invalidEach(errors, `${at}.request`, request, isDns1123Label(request));
      const key = request ? `${name}/${request}` : name;
      if (seen.has(key)) errors.push(duplicate(at, key));
      else if (!request && [...seen].some((s) => s.startsWith(`${name}/`))) errors.push(duplicate(at, name));
      seen.add(key);
    }
    if (known.has(name)) continue;
    const list = known.size === 0 ? " which is empty" : `: ${[...known].toSorted().join(", ")}`;
    const detail = `must be one of the names in pod.spec.resourceClaims${list}`;
    errors.push({ ...fieldNotFound(at, name), detail });
  }
}

/** A resource that a pod as a whole may be given. */
export function validatePodResourceName(errors: Errors, path: string, name: string): void {
  if (!validateResourceName(errors, path, name)) return;
  if (name !== "cpu" && name !== "memory" && !isHugePages(name))
    errors.push(notSupported(path, name, ["cpu", "hugepages-", "memory"]));
}

/** What happens to a container when its resources change. */
export function validateResizePolicy(
  errors: Errors,
  path: string,
  policies: readonly corev1.ContainerResizePolicy[],
  podRestartPolicy: string | undefined,
): void {
  const seen = new Set<string>();
  for (const [i, policy] of policies.entries()) {
    if (seen.has(policy.resourceName)) errors.push(duplicate(`${path}[${i}]`, policy.resourceName));
    seen.add(policy.resourceName);
    requireOneOf(errors, path, policy.resourceName, ["cpu", "memory"]);
    requireOneOf(errors, path, policy.restartPolicy, ["NotRequired", "RestartContainer"]);
    if (podRestartPolicy === "Never" && policy.restartPolicy !== "NotRequired") {
      const words = "must be 'NotRequired' when `restartPolicy` is 'Never'";
      errors.push(invalidValue(path, policy.restartPolicy, words));
    }
  }
}
