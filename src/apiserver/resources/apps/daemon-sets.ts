import type { appsv1 } from "../../../api/index.ts";
import { invalidValue, notSupported, required, semanticEqual, validateImmutable } from "../../../machinery/index.ts";
import { type Errors, nonNegative } from "../common/errors.ts";
import { hasInvalidSelectorValue, isEmptySelector, validateLabelSelector } from "../common/labels.ts";
import {
  amountOf,
  validateAtMostAll,
  validateCollisions,
  validateCounters,
  validateIntOrPercent,
  validateRunsForever,
  validateTemplateLabels,
} from "../common/workloads.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { dropDisabledInTemplate, templateWarnings, validateTemplate } from "../pods/template.ts";

type DaemonSet = appsv1.DaemonSet;
/** In v1 the generation of the template is an annotation. */
const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

/** Daemon sets. */
export function daemonSets(env: KindEnv): Kind<DaemonSet> {
  return {
    generation: ["spec"],
    initialStatus: () => ({
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    }),
    prepareForCreate(set) {
      const given = Number(set.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0);
      setTemplateGeneration(set, Number.isInteger(given) && given > 1 ? given : 1);
      dropDisabledInTemplate(set.spec.template, undefined, env);
    },
    prepareForUpdate(set, old) {
      dropDisabledInTemplate(set.spec.template, old.spec.template, env);
      const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0);
      const same = semanticEqual(set.spec.template, old.spec.template);
      setTemplateGeneration(set, same ? before : before + 1);
    },
    validate: ({ spec }, old) => validateDaemonSet(env, spec, old?.spec),
    validateChange: ({ spec }, old) => validateImmutable(spec.selector, old.spec.selector, "spec.selector"),
    warnings: ({ spec }, old) => templateWarnings("spec.template", spec.template, old?.spec.template),
    subresources: { status: { validate: ({ status }, old) => validateStatus(status, old.status) } },
  };
}

function setTemplateGeneration(set: DaemonSet, generation: number): void {
  set.metadata.annotations = { ...set.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}

function validateDaemonSet(env: KindEnv, spec: appsv1.DaemonSetSpec, old: appsv1.DaemonSetSpec | undefined): Errors {
  const errors: Errors = [];
  const { selector, template } = spec;
  validateLabelSelector(errors, "spec.selector", selector, {
    allowInvalidValues: hasInvalidSelectorValue(old?.selector),
  });
  if (selector) validateTemplateLabels(errors, "spec.template", template, selector);
  else {
    const words = "`selector` does not match template `labels`";
    errors.push(invalidValue("spec.template.metadata.labels", template.metadata?.labels ?? null, words));
  }
  if (selector && isEmptySelector(selector)) {
    errors.push(invalidValue("spec.selector", selector, "empty selector is invalid for daemonset"));
  }
  validateTemplate(errors, "spec.template", template, { env, old: old?.template });
  validateRunsForever(errors, "spec.template", template.spec, "DaemonSet");
  nonNegative(errors, "spec.minReadySeconds", spec.minReadySeconds);
  validateStrategy(errors, "spec.updateStrategy", spec.updateStrategy);
  nonNegative(errors, "spec.revisionHistoryLimit", spec.revisionHistoryLimit);
  return errors;
}

function validateStrategy(errors: Errors, path: string, strategy: appsv1.DaemonSetUpdateStrategy): void {
  if (strategy.type === "OnDelete") return;
  if (strategy.type !== "RollingUpdate") {
    return void errors.push(notSupported(path, strategy, ["RollingUpdate", "OnDelete"]));
  }
  const rolling = strategy.rollingUpdate;
  const at = `${path}.rollingUpdate`;
  if (!rolling) return void errors.push(required(at));
  for (const field of ["maxUnavailable", "maxSurge"] as const)
    validateIntOrPercent(errors, `${at}.${field}`, rolling[field]);
  for (const field of ["maxUnavailable", "maxSurge"] as const)
    validateAtMostAll(errors, `${at}.${field}`, rolling[field]);
  const [unavailable, surge] = [amountOf(rolling.maxUnavailable), amountOf(rolling.maxSurge)];
  if (unavailable !== 0 && surge !== 0) {
    const words = "may not be set when maxUnavailable is non-zero";
    errors.push(invalidValue(`${at}.maxSurge`, rolling.maxSurge, words));
  } else if (unavailable === 0 && surge === 0) {
    errors.push(required(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
  }
}

function validateStatus(status: appsv1.DaemonSetStatus, old: appsv1.DaemonSetStatus): Errors {
  const errors: Errors = [];
  validateCounters(errors, "status", status, [
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
  ]);
  validateCollisions(errors, status.collisionCount, old.collisionCount);
  return errors;
}
