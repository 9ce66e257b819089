import type { corev1 } from "../../../api/index.ts";
import { invalidValue, Quantity, required } from "../../../machinery/index.ts";
import { type Errors, IMMUTABLE } from "../common/errors.ts";
import { isStandardQuotaResource, validateQuotaResourceName, validateResourceAmount } from "../common/quantities.ts";
import type { Kind } from "../kind.ts";

type Quota = corev1.ResourceQuota;
const COMPUTE = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
/** What each scope can be applied to. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  Terminating: ["pods", ...COMPUTE],
  NotTerminating: ["pods", ...COMPUTE],
  NotBestEffort: ["pods", ...COMPUTE],
  PriorityClass: ["pods", ...COMPUTE],
  CrossNamespacePodAffinity: ["pods", ...COMPUTE],
  BestEffort: ["pods"],
  VolumeAttributesClass: ["persistentvolumeclaims", "requests.storage"],
};
const CONFLICTS = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
];
const ONLY_EXISTS = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];

/** Resource quotas. */
export function resourceQuotas(): Kind<Quota> {
  return {
    validate({ spec }) {
      const errors: Errors = [];
      validateList(errors, "spec.hard", spec.hard);
      validateScopes(errors, spec);
      validateSelector(errors, spec);
      return errors;
    },
    validateChange({ spec }, old) {
      const sorted = (q: corev1.ResourceQuotaSpec): string => [...new Set<string>(q.scopes ?? [])].toSorted().join();
      return sorted(spec) === sorted(old.spec ?? {})
        ? []
        : [invalidValue("spec.scopes", spec.scopes ?? null, IMMUTABLE)];
    },
    warnings: (quota, old) => (old ? [] : ratioWarnings(quota.spec?.hard ?? {})),
    subresources: {
      status: {
        validate({ status, metadata }) {
          const errors: Errors = [];
          if (!metadata.resourceVersion) errors.push(required("resourceVersion"));
          validateList(errors, "status.hard", status.hard);
          validateList(errors, "status.used", status.used);
          return errors;
        },
      },
    },
  };
}

function validateList(errors: Errors, path: string, list: Readonly<Record<string, string>> | undefined): void {
  for (const [name, amount] of Object.entries(list ?? {})) {
    validateQuotaResourceName(errors, `${path}[${name}]`, name);
    validateResourceAmount(errors, `${path}[${name}]`, name, amount);
  }
}

function applies(scope: string, spec: corev1.ResourceQuotaSpec): boolean[] {
  return Object.keys(spec.hard ?? {})
    .filter((name) => isStandardQuotaResource(name))
    .map((name) => SCOPES[scope]?.includes(name) ?? true);
}

function validateScopes(errors: Errors, spec: corev1.ResourceQuotaSpec): void {
  const scopes: readonly string[] = spec.scopes ?? [];
  const say = (words: string): void => void errors.push(invalidValue("spec.scopes", scopes, words));
  for (const scope of scopes) {
    if (!SCOPES[scope]) say("unsupported scope");
    for (const good of applies(scope, spec)) if (!good) say("unsupported scope applied to resource");
  }
  for (const pair of CONFLICTS) if (pair.every((scope) => scopes.includes(scope))) say("conflicting scopes");
}

function validateSelector(errors: Errors, spec: corev1.ResourceQuotaSpec): void {
  const at = "spec.scopeSelector.matchExpressions";
  const names = new Set<string>();
  for (const { scopeName, operator, values = [] } of spec.scopeSelector?.matchExpressions ?? []) {
    if (!SCOPES[scopeName]) errors.push(invalidValue(`${at}.scopeName`, scopeName, "unsupported scope"));
    for (const good of applies(scopeName, spec)) {
      if (!good) errors.push(invalidValue(at, spec.scopeSelector, "unsupported scope applied to resource"));
    }
    if (ONLY_EXISTS.includes(scopeName) && operator !== "Exists") {
      const words =
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      errors.push(invalidValue(`${at}.operator`, operator, words));
    }
    if (operator === "In" || operator === "NotIn") {
      const words = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) errors.push(required(`${at}.values`, words));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      const words = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) errors.push(invalidValue(`${at}.values`, values, words));
    } else errors.push(invalidValue(`${at}.operator`, operator ?? "", "not a valid selector operator"));
    names.add(scopeName);
  }
  for (const pair of CONFLICTS) {
    if (pair.every((scope) => names.has(scope))) {
      errors.push(invalidValue("spec.scopeSelector.matchExpressions", spec.scopes ?? null, "conflicting scopes"));
    }
  }
}

function ratioWarnings(hard: Readonly<Record<string, string>>): string[] {
  return ["cpu", "memory", "storage", "ephemeral-storage"].flatMap((name) => {
    const plain = name === "cpu" || name === "memory";
    const key = hard[`requests.${name}`] === undefined && plain ? name : `requests.${name}`;
    const [request, limit] = [hard[key], hard[`limits.${name}`]];
    if (request === undefined || limit === undefined) return [];
    const [r, l] = [Quantity.parse(request), Quantity.parse(limit)];
    if (r.cmp(l) <= 0) return [];
    return [`ResourceQuota ${key} (${r.toString()}) should be less than limits.${name} (${l.toString()})`];
  });
}
