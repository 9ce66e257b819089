import type { policyv1 } from "../../../api/index.ts";
import { FieldPath, invalidValue, validateConditions } from "../../../machinery/index.ts";
import { type Errors, optionalOneOf } from "../common/errors.ts";
import { hasInvalidSelectorValue, validateLabelSelector } from "../common/labels.ts";
import { validateAtMostAll, validateCounters, validateIntOrPercent } from "../common/workloads.ts";
import type { Kind } from "../kind.ts";

/** Pod disruption budgets. */
export function disruptionBudgets(): Kind<policyv1.PodDisruptionBudget> {
  return {
    generation: ["spec"],
    initialStatus: () => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }),
    validate({ spec }, old) {
      const errors: Errors = [];
      if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
        errors.push(invalidValue("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
      }
      for (const field of ["minAvailable", "maxUnavailable"] as const) {
        if (spec[field] === undefined) continue;
        validateIntOrPercent(errors, `spec.${field}`, spec[field]);
        validateAtMostAll(errors, `spec.${field}`, spec[field]);
      }
      const allowInvalidValues = hasInvalidSelectorValue(old?.spec.selector);
      validateLabelSelector(errors, "spec.selector", spec.selector, { allowInvalidValues });
      const at = "spec.unhealthyPodEvictionPolicy";
      optionalOneOf(errors, at, spec.unhealthyPodEvictionPolicy, ["AlwaysAllow", "IfHealthyBudget"]);
      return errors;
    },
    subresources: {
      status: {
        validate({ status }) {
          const errors: Errors = validateConditions(status.conditions, FieldPath.root("status", "conditions"));
          const counters = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const;
          validateCounters(errors, "status", status, counters);
          return errors;
        },
      },
    },
  };
}
