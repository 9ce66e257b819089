import type { batchv1 } from "../../../api/index.ts";
import {
  invalidValue,
  isConditionTrue,
  isDns1123Label,
  required,
  semanticEqual,
  validateImmutable,
} from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { hasInvalidSelectorValue, validateLabelSelector } from "../common/labels.ts";
import { compileSelector, validateTemplateLabels } from "../common/workloads.ts";
import { podNameWarnings } from "../core/replication-controllers.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { dropDisabledInTemplate, templateWarnings } from "../pods/template.ts";
import { validateJobSpec } from "./job-spec.ts";
import { validateJobStatus } from "./job-status.ts";

type Job = batchv1.Job;
type Spec = batchv1.JobSpec;
const UID = "batch.kubernetes.io/controller-uid";
const NAME = "batch.kubernetes.io/job-name";
const OLD_UID = "controller-uid";
const OLD_NAME = "job-name";

/** Jobs. Their pods are found by a generated selector, unless the user says otherwise. */
export function jobs(env: KindEnv): Kind<Job> {
  return {
    generation: ["spec"],
    prepareForCreate(job) {
      if (!job.spec.manualSelector) generateSelector(job);
      dropDisabledInTemplate(job.spec.template, undefined, env);
    },
    prepareForUpdate: ({ spec }, old) => dropDisabledInTemplate(spec.template, old.spec.template, env),
    validate(job, old) {
      const errors: Errors = [];
      validateGenerated(errors, job, old);
      validateJob(errors, job, old, env);
      return errors;
    },
    validateChange: (job, old) => validateChange(job.spec, old, env),
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : podNameWarnings(metadata.name)),
      ...(old && semanticEqual(spec, old.spec) ? [] : jobSpecWarnings("spec", spec)),
    ],
    subresources: { status: { validate: validateJobStatus } },
  };
}

/** Warnings about a job's spec. */
export function jobSpecWarnings(path: string, spec: Spec): string[] {
  const huge =
    spec.completionMode === "Indexed" && (spec.completions ?? 0) > 100_000 && (spec.parallelism ?? 0) > 10_000;
  const words =
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
  return [...(huge ? [`${path}: ${words}`] : []), ...templateWarnings(`${path}.template`, spec.template, undefined)];
}

function generateSelector(job: Job): void {
  const { uid, name } = job.metadata;
  const metadata = (job.spec.template.metadata ??= {});
  metadata.labels = { [OLD_NAME]: name, [NAME]: name, [OLD_UID]: uid, [UID]: uid, ...metadata.labels };
  const selector = (job.spec.selector ??= {});
  selector.matchLabels = { [UID]: uid, ...selector.matchLabels };
}

function validateGenerated(errors: Errors, job: Job, old: Job | undefined): void {
  const { selector, template, manualSelector } = job.spec;
  if (manualSelector || !selector) return;
  const { uid, name } = job.metadata;
  if (!uid) errors.push(required("metadata.uid"));
  const oldLabels = old?.spec.template.metadata?.labels;
  const prefixed = !old || (oldLabels?.[NAME] !== undefined && oldLabels[UID] !== undefined);
  const expected: Record<string, string> = {
    [OLD_UID]: uid,
    [OLD_NAME]: name,
    ...(prefixed && { [UID]: uid, [NAME]: name }),
  };
  const labels = template.metadata?.labels;
  for (const [key, value] of Object.entries(expected)) {
    const at = "spec.template.metadata.labels";
    if (labels?.[key] === undefined) errors.push(required(`${at}[${key}]`, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalidValue(`${at}[${key}]`, labels, `must be '${value}'`));
  }
  if (compileSelector(selector)?.matches(expected) === false) {
    errors.push(invalidValue("spec.selector", selector, "`selector` not auto-generated"));
  }
}

function validateJob(errors: Errors, job: Job, old: Job | undefined, env: KindEnv): void {
  const { spec } = job;
  validateJobSpec(errors, "spec", spec, { env, old: old?.spec });
  const allowInvalidValues = hasInvalidSelectorValue(old?.spec.selector);
  if (!spec.selector) errors.push(required("spec.selector"));
  else validateLabelSelector(errors, "spec.selector", spec.selector, { allowInvalidValues });
  validateTemplateLabels(errors, "spec.template", spec.template, spec.selector);
  if (spec.completionMode !== "Indexed" || (spec.completions ?? 0) <= 0) return;
  const host = `${job.metadata.name}-${(spec.completions ?? 0) - 1}`;
  if (isDns1123Label(host).length > 0) {
    const words = `will not able to create pod with invalid DNS label: ${host}`;
    errors.push(invalidValue("metadata.name", job.metadata.name, words));
  }
}

const FIXED = [
  "completionMode",
  "podFailurePolicy",
  "backoffLimitPerIndex",
  "managedBy",
  "successPolicy",
] as const satisfies readonly (keyof Spec)[];

function validateChange(spec: Spec, old: Job, env: KindEnv): Errors {
  const errors: Errors = [];
  if (spec.completionMode !== "Indexed") {
    errors.push(...validateImmutable(spec.completions, old.spec.completions, "spec.completions"));
  } else if (spec.completions !== undefined && spec.completions !== old.spec.completions) {
    if (spec.completions !== spec.parallelism) {
      const words = "can only be modified in tandem with spec.parallelism";
      errors.push(invalidValue("spec.completions", spec.completions, words));
    }
  }
  errors.push(...validateImmutable(spec.selector, old.spec.selector, "spec.selector"));
  const expected = mutableParts(spec, old, env);
  if (!semanticEqual(spec.template, expected)) {
    errors.push(invalidValue("spec.template", spec.template, "field is immutable"));
  }
  for (const field of FIXED) errors.push(...validateImmutable(spec[field], old.spec[field], `spec.${field}`));
  return errors;
}

/** The old template with what may change of it taken from the new: while suspended, where pods may go. */
function mutableParts(spec: Spec, old: Job, env: KindEnv): Spec["template"] {
  const before = old.spec.template;
  const suspended = old.spec.suspend === true;
  const stopped = isConditionTrue(old.status.conditions, "Suspended") && (old.status.active ?? 0) === 0;
  const directives =
    suspended &&
    (old.status.startTime === undefined || (env.gates.MutableSchedulingDirectivesForSuspendedJobs && stopped));
  const resources = suspended && env.gates.MutablePodResourcesForSuspendedJobs && stopped;
  let expected = before;
  if (directives) {
    const next = spec.template;
    const { nodeSelector, tolerations, schedulingGates, affinity } = next.spec;
    const { nodeSelector: _, tolerations: __, schedulingGates: ___, affinity: oldAffinity, ...rest } = before.spec;
    const { nodeAffinity: ____, ...otherAffinity } = oldAffinity ?? {};
    const merged = { ...otherAffinity, ...(affinity?.nodeAffinity && { nodeAffinity: affinity.nodeAffinity }) };
    expected = {
      ...(next.metadata && { metadata: next.metadata }),
      spec: {
        ...rest,
        ...(nodeSelector && { nodeSelector }),
        ...(tolerations && { tolerations }),
        ...(schedulingGates && { schedulingGates }),
        ...((Object.keys(merged).length > 0 || affinity) && { affinity: merged }),
      },
    };
  }
  if (!resources) return expected;
  const withResources = (list: "containers" | "initContainers"): Spec["template"]["spec"]["containers"] =>
    (expected.spec[list] ?? []).map((container, i) => {
      const next = spec.template.spec[list]?.[i];
      return next?.name === container.name ? { ...container, resources: next.resources } : container;
    });
  return {
    ...expected,
    spec: {
      ...expected.spec,
      containers: withResources("containers"),
      initContainers: withResources("initContainers"),
    },
  };
}
