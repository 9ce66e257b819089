import type { corev1, metav1 } from "../../../api/index.ts";
import {
  duplicate,
  forbiddenField,
  invalidValue,
  isQualifiedName,
  isValidLabelValue,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, optionalOneOf, positive } from "../common/errors.ts";
import { validateLabelSelector } from "../common/labels.ts";
import type { PodRules } from "./options.ts";

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

/** A pod's wishes about nodes and about other pods. */
export function validateAffinity(
  errors: Errors,
  path: string,
  affinity: corev1.Affinity | undefined,
  rules: PodRules,
): void {
  if (!affinity) return;
  const nodes = affinity.nodeAffinity;
  const at = `${path}.nodeAffinity`;
  if (nodes?.[REQUIRED]) {
    validateNodeSelector(errors, `${at}.${REQUIRED}`, nodes[REQUIRED], rules.allowInvalidNodeAffinityValues);
  }
  for (const [i, term] of (nodes?.[PREFERRED] ?? []).entries()) {
    validateWeight(errors, `${at}.${PREFERRED}[${i}].weight`, term.weight);
    validateNodeTerm(errors, `${at}.${PREFERRED}[${i}].preference`, term.preference, true);
  }
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    const pods = affinity[kind];
    for (const [i, term] of (pods?.[REQUIRED] ?? []).entries()) {
      validatePodTerm(errors, `${path}.${kind}.${REQUIRED}[${i}]`, term, rules);
    }
    for (const [i, { weight, podAffinityTerm }] of (pods?.[PREFERRED] ?? []).entries()) {
      validateWeight(errors, `${path}.${kind}.${PREFERRED}[${i}].weight`, weight);
      validatePodTerm(errors, `${path}.${kind}.${PREFERRED}[${i}].podAffinityTerm`, podAffinityTerm, rules);
    }
  }
}

function validateWeight(errors: Errors, path: string, weight: number | undefined): void {
  if ((weight ?? 0) <= 0 || (weight ?? 0) > 100)
    errors.push(invalidValue(path, weight ?? 0, "must be in the range 1-100"));
}

/** A required choice of nodes: at least one term. */
export function validateNodeSelector(
  errors: Errors,
  path: string,
  selector: corev1.NodeSelector,
  allowInvalidValues: boolean,
): void {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) {
    errors.push(required(`${path}.nodeSelectorTerms`, "must have at least one node selector term"));
  }
  for (const [i, term] of terms.entries()) {
    validateNodeTerm(errors, `${path}.nodeSelectorTerms[${i}]`, term, allowInvalidValues);
  }
}

function validateNodeTerm(
  errors: Errors,
  path: string,
  term: corev1.NodeSelectorTerm | undefined,
  allowInvalidValues: boolean,
): void {
  for (const [i, requirement] of (term?.matchExpressions ?? []).entries()) {
    validateNodeRequirement(errors, `${path}.matchExpressions[${i}]`, requirement, allowInvalidValues);
  }
  for (const [i, requirement] of (term?.matchFields ?? []).entries()) {
    validateNodeField(errors, `${path}.matchFields[${i}]`, requirement);
  }
}

function validateNodeRequirement(
  errors: Errors,
  path: string,
  { key, operator, values = [] }: corev1.NodeSelectorRequirement,
  allowInvalidValues: boolean,
): void {
  const at = `${path}.values`;
  if (operator === "In" || operator === "NotIn") {
    if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length > 0) {
      errors.push(forbiddenField(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else if (operator === "Gt" || operator === "Lt") {
    if (values.length !== 1)
      errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else errors.push(invalidValue(`${path}.operator`, operator ?? "", "not a valid selector operator"));
  invalidEach(errors, `${path}.key`, key, isQualifiedName(key));
  if (allowInvalidValues) return;
  for (const [i, value] of values.entries()) invalidEach(errors, `${at}[${i}]`, value, isValidLabelValue(value));
}

function validateNodeField(
  errors: Errors,
  path: string,
  { key, operator, values = [] }: corev1.NodeSelectorRequirement,
): void {
  if (operator !== "In" && operator !== "NotIn") {
    errors.push(invalidValue(`${path}.operator`, operator ?? "", "not a valid selector operator"));
  } else if (values.length !== 1) {
    const words = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(`${path}.values`, words));
  }
  if (key !== "metadata.name") errors.push(invalidValue(`${path}.key`, key, "not a valid field selector key"));
  else {
    for (const [i, value] of values.entries()) {
      invalidEach(errors, `${path}.values[${i}]`, value, nameIsDnsSubdomain(value, false));
    }
  }
}

function validatePodTerm(
  errors: Errors,
  path: string,
  term: corev1.PodAffinityTerm | undefined,
  rules: PodRules,
): void {
  const options = { allowInvalidValues: rules.allowInvalidSelectorValues };
  validateLabelSelector(errors, `${path}.labelSelector`, term?.labelSelector, options);
  validateLabelSelector(errors, `${path}.namespaceSelector`, term?.namespaceSelector, options);
  for (const name of term?.namespaces ?? []) {
    invalidEach(errors, `${path}.namespace`, name, nameIsDnsLabel(name, false));
  }
  validateKeysAgainstSelector(errors, path, term ?? {});
  const key = term?.topologyKey ?? "";
  if (key === "") errors.push(required(`${path}.topologyKey`, "can not be empty"));
  invalidEach(errors, `${path}.topologyKey`, key, isQualifiedName(key));
}

interface LabelKeys {
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
  readonly labelSelector?: metav1.LabelSelector;
}

/** Label keys whose values come from the pod: not said twice, and only beside a selector. */
function validateKeysAgainstSelector(errors: Errors, path: string, term: LabelKeys): void {
  const { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector } = term;
  for (const field of ["matchLabelKeys", "mismatchLabelKeys"] as const) {
    const keys = term[field] ?? [];
    if (keys.length > 0 && !labelSelector) {
      errors.push(forbiddenField(`${path}.${field}`, "must not be specified when labelSelector is not set"));
      continue;
    }
    for (const [i, key] of keys.entries()) invalidEach(errors, `${path}.${field}[${i}]`, key, isQualifiedName(key));
  }
  // The pod's own values were merged into the expressions, so a key in both places shows as one said twice there.
  const seen = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const i = matchLabelKeys.indexOf(key);
    if (i >= 0 && seen.has(key)) {
      errors.push(invalidValue(`${path}[${i}]`, key, "exists in both matchLabelKeys and labelSelector"));
    }
    seen.add(key);
  }
  for (const [i, key] of matchLabelKeys.entries()) {
    if (mismatchLabelKeys.includes(key)) {
      const words = "exists in both matchLabelKeys and mismatchLabelKeys";
      errors.push(invalidValue(`${path}.matchLabelKeys[${i}]`, key, words));
    }
  }
}

/** How evenly pods are to be spread. */
export function validateSpread(
  errors: Errors,
  path: string,
  constraints: readonly corev1.TopologySpreadConstraint[],
  rules: PodRules,
): void {
  for (const [i, c] of constraints.entries()) {
    const at = `${path}[${i}]`;
    positive(errors, `${at}.maxSkew`, c.maxSkew);
    if (!c.topologyKey) errors.push(required(`${at}.topologyKey`, "can not be empty"));
    if (c.whenUnsatisfiable !== "DoNotSchedule" && c.whenUnsatisfiable !== "ScheduleAnyway") {
      const known = ["DoNotSchedule", "ScheduleAnyway"];
      errors.push(notSupported(`${at}.whenUnsatisfiable`, c.whenUnsatisfiable ?? "", known));
    }
    const again = constraints.slice(i + 1);
    if (again.some((o) => o.topologyKey === c.topologyKey && o.whenUnsatisfiable === c.whenUnsatisfiable)) {
      const pair = `{${c.topologyKey}, ${c.whenUnsatisfiable}}`;
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    }
    if (c.minDomains !== undefined) {
      positive(errors, `${at}.minDomains`, c.minDomains);
      if (c.whenUnsatisfiable !== "DoNotSchedule") {
        const words = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${c.whenUnsatisfiable}`;
        errors.push(invalidValue(`${at}.minDomains`, c.minDomains, words));
      }
    }
    optionalOneOf(errors, `${at}.nodeAffinityPolicy`, c.nodeAffinityPolicy, ["Honor", "Ignore"]);
    optionalOneOf(errors, `${at}.nodeTaintsPolicy`, c.nodeTaintsPolicy, ["Honor", "Ignore"]);
    if (rules.gates.MatchLabelKeysInPodTopologySpreadSelectorMerge) validateKeysAgainstSelector(errors, at, c);
    else validateSpreadKeys(errors, at, c);
    if (!rules.allowInvalidSpreadSelector) validateLabelSelector(errors, `${at}.labelSelector`, c.labelSelector);
  }
}

function validateSpreadKeys(errors: Errors, path: string, constraint: LabelKeys): void {
  const { matchLabelKeys = [], labelSelector } = constraint;
  if (matchLabelKeys.length === 0) return;
  const at = `${path}.matchLabelKeys`;
  if (!labelSelector) errors.push(forbiddenField(at, "must not be specified when labelSelector is not set"));
  const taken = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map((e) => e.key),
  ]);
  for (const [i, key] of matchLabelKeys.entries()) {
    invalidEach(errors, `${at}[${i}]`, key, isQualifiedName(key));
    if (taken.has(key))
      errors.push(invalidValue(`${at}[${i}]`, key, "exists in both matchLabelKeys and labelSelector"));
  }
}
