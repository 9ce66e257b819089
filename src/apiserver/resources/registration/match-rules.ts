import type { admissionregistrationv1 as v1, metav1 } from "../../../api/index.ts";
import {
  duplicate,
  invalidValue,
  isQualifiedName,
  nameIsPathSegment,
  notSupported,
  required,
  tooMany,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import { validateLabelSelector } from "../common/labels.ts";

const SCOPES = ["*", "Cluster", "Namespaced"];
const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const MATCH_POLICIES = ["Equivalent", "Exact"];
const MAX_CONDITIONS = 64;

/** Operations, groups, versions and resources that a webhook or policy is for. */
export function validateOperationRule(errors: Errors, path: string, rule: v1.RuleWithOperations): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  if (operations.length === 0) errors.push(required(`${path}.operations`));
  loneStar(errors, `${path}.operations`, operations, "operations");
  for (const [i, operation] of operations.entries()) {
    if (!OPERATIONS.includes(operation)) errors.push(notSupported(`${path}.operations[${i}]`, operation, OPERATIONS));
  }
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`));
  loneStar(errors, `${path}.apiGroups`, apiGroups, "API groups");
  if (apiVersions.length === 0) errors.push(required(`${path}.apiVersions`));
  loneStar(errors, `${path}.apiVersions`, apiVersions, "API versions");
  for (const [i, version] of apiVersions.entries()) {
    if (version === "") errors.push(required(`${path}.apiVersions[${i}]`));
  }
  validateResources(errors, `${path}.resources`, resources);
  if (scope !== undefined && !SCOPES.includes(scope)) errors.push(notSupported(`${path}.scope`, scope, SCOPES));
}

function loneStar(errors: Errors, path: string, list: readonly string[], what: string): void {
  if (list.length > 1 && list.includes("*")) {
    errors.push(invalidValue(path, list, `if '*' is present, must not specify other ${what}`));
  }
}

/** `pods`, `pods/log`, `pods/*`, `*\/scale`, `*`, `*\/*`: none may be covered by an earlier one. */
function validateResources(errors: Errors, path: string, list: readonly string[]): void {
  if (list.length === 0) errors.push(required(path));
  const allSubresourcesOf = new Set<string>();
  const subresourceOfAll = new Set<string>();
  let plain = false;
  for (const [i, text] of list.entries()) {
    if (text === "") {
      errors.push(required(`${path}[${i}]`));
      continue;
    }
    const slash = text.indexOf("/");
    if (slash === -1) {
      plain = text !== "*";
      continue;
    }
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    for (const [covered, by] of [
      [allSubresourcesOf.has(resource), `${resource}/*`],
      [subresourceOfAll.has(subresource), `*/${subresource}`],
    ] as const) {
      if (covered) errors.push(invalidValue(`${path}[${i}]`, text, `if '${by}' is present, must not specify ${text}`));
    }
    if (subresource === "*") allSubresourcesOf.add(resource);
    if (resource === "*") subresourceOfAll.add(subresource);
  }
  if (list.length > 1 && list.includes("*/*")) {
    errors.push(invalidValue(path, list, "if '*/*' is present, must not specify other resources"));
  }
  if (list.includes("*") && plain) {
    const words = "if '*' is present, must not specify other resources without subresources";
    errors.push(invalidValue(path, list, words));
  }
}

/** What a policy is for. Everything but the rules has been defaulted. */
export function validateMatchResources(errors: Errors, path: string, match: v1.MatchResources | undefined): void {
  if (!match) return;
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match;
  if (matchPolicy === undefined) errors.push(required(`${path}.matchPolicy`));
  else if (!MATCH_POLICIES.includes(matchPolicy)) {
    errors.push(notSupported(`${path}.matchPolicy`, matchPolicy, MATCH_POLICIES));
  }
  requiredSelector(errors, `${path}.namespaceSelector`, namespaceSelector);
  requiredSelector(errors, `${path}.objectSelector`, objectSelector);
  for (const [i, rule] of resourceRules.entries()) validateNamedRule(errors, `${path}.resourceRules[${i}]`, rule);
  for (const [i, rule] of excludeResourceRules.entries()) {
    validateNamedRule(errors, `${path}.excludeResourceRules[${i}]`, rule);
  }
}

function requiredSelector(errors: Errors, path: string, selector: metav1.LabelSelector | undefined): void {
  if (selector) validateLabelSelector(errors, path, selector);
  else errors.push(required(path));
}

function validateNamedRule(errors: Errors, path: string, rule: v1.NamedRuleWithOperations): void {
  const names = rule.resourceNames ?? [];
  for (const [i, name] of names.entries()) {
    invalidEach(errors, `${path}.resourceNames[${i}]`, name, nameIsPathSegment(name, false));
    if (names.indexOf(name) < i) errors.push(duplicate(`${path}.resourceNames[${i}]`, name));
  }
  validateOperationRule(errors, path, rule);
}

/** Conditions have names that occur once, and something to evaluate. */
export function validateMatchConditions(
  errors: Errors,
  path: string,
  conditions: readonly v1.MatchCondition[] = [],
): void {
  if (conditions.length > MAX_CONDITIONS) errors.push(tooMany(path, conditions.length, MAX_CONDITIONS));
  const seen = new Set<string>();
  for (const [i, { name, expression }] of conditions.entries()) {
    if (expression.trim() === "") errors.push(required(`${path}[${i}].expression`));
    if (name === "") errors.push(required(`${path}[${i}].name`));
    else {
      invalidEach(errors, `${path}[${i}].name`, name, isQualifiedName(name));
      if (seen.has(name)) errors.push(duplicate(`${path}[${i}].name`, name));
      seen.add(name);
    }
  }
}
