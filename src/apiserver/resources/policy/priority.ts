import type { schedulingv1, schedulingv1alpha1 } from "../../../api/index.ts";
import {
  duplicate,
  forbiddenField,
  invalidValue,
  isDns1123Subdomain,
  nameIsDnsLabel,
  nameIsPathSegment,
  notSupported,
  required,
  tooMany,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach, positive } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

const HIGHEST_USER_PRIORITY = 1_000_000_000;
/** The classes that every cluster has. */
export const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

/** Priority classes. */
export function priorityClasses(): Kind<schedulingv1.PriorityClass> {
  return {
    prepareForCreate({ metadata }) {
      metadata.generation = 1;
    },
    validate({ metadata, value, preemptionPolicy: policy, globalDefault }) {
      const errors: Errors = [];
      if (metadata.name.startsWith("system-")) {
        const problem = systemProblem(metadata.name, value, globalDefault === true);
        const words = "priority class names with 'system-' prefix are reserved for system use only. error: ";
        if (problem) errors.push(forbiddenField("metadata.name", words + problem));
      } else if (value > HIGHEST_USER_PRIORITY) {
        const words = `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`;
        errors.push(forbiddenField("value", words));
      }
      const policies = ["PreemptLowerPriority", "Never"];
      if (policy !== undefined && !policies.includes(policy)) {
        errors.push(notSupported("preemptionPolicy", policy, policies));
      }
      return errors;
    },
    updateChecksChangeOnly: true,
    validateChange(next, old) {
      const errors: Errors = [];
      if (next.value !== old.value) errors.push(forbiddenField("value", "may not be changed in an update."));
      return [...errors, ...validateImmutable(next.preemptionPolicy, old.preemptionPolicy, "preemptionPolicy")];
    },
  };
}

function systemProblem(name: string, value: number, globalDefault: boolean): string | undefined {
  const expected = SYSTEM_PRIORITIES[name];
  if (expected === undefined) return `${name} is not a known system priority class`;
  if (value !== expected) return `value of ${name} PriorityClass must be ${expected}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

/** Groups of pods that are scheduled together (alpha). */
export function workloads(): Kind<schedulingv1alpha1.Workload> {
  return {
    validate({ spec }) {
      const errors: Errors = [];
      const { controllerRef: ref } = spec;
      const podGroups = spec.podGroups ?? [];
      if (ref) {
        if (ref.apiGroup)
          invalidEach(errors, "spec.controllerRef.apiGroup", ref.apiGroup, isDns1123Subdomain(ref.apiGroup));
        for (const field of ["kind", "name"] as const) {
          const at = `spec.controllerRef.${field}`;
          if (!ref[field]) errors.push(required(at));
          else invalidEach(errors, at, ref[field], nameIsPathSegment(ref[field], false));
        }
      }
      if (podGroups.length === 0) errors.push(required("spec.podGroups", "must have at least one item"));
      if (podGroups.length > 8) return [...errors, tooMany("spec.podGroups", podGroups.length, 8)];
      const names = new Set<string>();
      for (const [i, group] of podGroups.entries()) {
        const at = `spec.podGroups[${i}]`;
        invalidEach(errors, `${at}.name`, group.name, nameIsDnsLabel(group.name, false));
        if (names.has(group.name)) errors.push(duplicate(`${at}.name`, group.name));
        names.add(group.name);
        validatePolicy(errors, `${at}.policy`, group.policy);
      }
      return errors;
    },
    validateChange: ({ spec }, old) => [
      ...(old.spec.controllerRef ? validateImmutable(spec.controllerRef, old.spec.controllerRef, "controllerRef") : []),
      ...validateImmutable(spec.podGroups, old.spec.podGroups, "podGroups"),
    ],
  };
}

function validatePolicy(errors: Errors, path: string, policy: schedulingv1alpha1.PodGroupPolicy): void {
  const words = "exactly one of `basic`, `gang` is required";
  if (policy.basic && policy.gang) {
    errors.push(invalidValue(path, "{`basic`, `gang`}", `${words}, but multiple fields are set`));
  } else if (policy.gang) positive(errors, `${path}.gang.minCount`, policy.gang.minCount);
  else if (!policy.basic) errors.push(required(path, words));
}
