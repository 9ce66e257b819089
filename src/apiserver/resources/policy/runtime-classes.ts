import type { nodev1 } from "../../../api/index.ts";
import { duplicate, nameIsDnsLabel, validateImmutable } from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import { validateLabels } from "../common/labels.ts";
import { deprecatedNodeLabel } from "../common/node-labels.ts";
import type { Kind } from "../kind.ts";
import { validateRequirements } from "../pods/resources.ts";
import { validateTolerations } from "../pods/tolerations.ts";

/** Runtime classes. */
export function runtimeClasses(): Kind<nodev1.RuntimeClass> {
  return {
    validate({ handler, overhead, scheduling }) {
      const errors: Errors = [];
      invalidEach(errors, "handler", handler, nameIsDnsLabel(handler, false));
      if (overhead) {
        const context = { rules: { allowIndivisibleHugePages: false }, claims: new Set<string>() };
        validateRequirements(errors, "overhead", overhead.podFixed ? { limits: overhead.podFixed } : {}, context);
      }
      validateLabels(errors, "scheduling.nodeSelector", scheduling?.nodeSelector);
      const tolerations = scheduling?.tolerations ?? [];
      validateTolerations(errors, "scheduling.tolerations", tolerations, { allowTolerationComparison: false });
      const seen = new Set<string>();
      for (const [i, t] of tolerations.entries()) {
        const key = JSON.stringify([t.key, t.operator, t.value, t.effect]);
        if (seen.has(key)) errors.push(duplicate(`scheduling.tolerations[${i}]`, t));
        seen.add(key);
      }
      return errors;
    },
    updateChecksChangeOnly: true,
    validateChange: ({ handler }, old) => validateImmutable(handler, old.handler, "handler"),
    warnings: ({ scheduling }) =>
      Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
        const message = deprecatedNodeLabel(key);
        return message === undefined ? [] : [`scheduling.nodeSelector: ${message}`];
      }),
  };
}
