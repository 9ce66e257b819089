import type { corev1 } from "../../../api/index.ts";
import { forbiddenField, invalidValue, isDns1123Label, notSupported, required } from "../../../machinery/index.ts";
import { type Errors, nonNegative } from "../common/errors.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { dropDisabledInTemplate, templateWarnings, validateTemplate } from "../pods/template.ts";

type Controller = corev1.ReplicationController;

/** The warning for a name that pods' host names can't have. */
export function podNameWarnings(name: string): string[] {
  const problems = isDns1123Label(name);
  const words =
    "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended";
  return problems.length > 0 ? [`metadata.name: ${words}: [${problems.join(" ")}]`] : [];
}

/** Pod templates on their own. */
export function podTemplates(env: KindEnv): Kind<corev1.PodTemplate> {
  return {
    generation: ["template"],
    prepareForCreate: ({ template }) => dropDisabledInTemplate(template, undefined, env),
    prepareForUpdate: ({ template }, old) => dropDisabledInTemplate(template, old.template, env),
    validate({ template }, old) {
      const errors: Errors = [];
      validateTemplate(errors, "template", template, { env, old: old?.template });
      return errors;
    },
    warnings: ({ template }, old) => templateWarnings("template", template, old?.template),
  };
}

/** Replication controllers. */
export function replicationControllers(env: KindEnv): Kind<Controller> {
  return {
    generation: ["spec"],
    initialStatus: () => ({ replicas: 0 }),
    prepareForCreate: ({ spec }) => dropDisabledInTemplate(spec?.template, undefined, env),
    prepareForUpdate: ({ spec }, old) => dropDisabledInTemplate(spec?.template, old.spec.template, env),
    validate: ({ spec }, old) => validateSpec(env, spec, old?.spec),
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : podNameWarnings(metadata.name)),
      ...templateWarnings("spec.template", spec?.template, old?.spec.template),
    ],
    subresources: { status: { validate: ({ status }) => validateReplicaStatus(status) } },
  };
}

function validateSpec(
  env: KindEnv,
  spec: corev1.ReplicationControllerSpec,
  old: corev1.ReplicationControllerSpec | undefined,
): Errors {
  const errors: Errors = [];
  nonNegative(errors, "spec.minReadySeconds", spec.minReadySeconds);
  const selector = Object.entries(spec.selector ?? {});
  if (selector.length === 0) errors.push(required("spec.selector"));
  if (spec.replicas === undefined) errors.push(required("spec.replicas"));
  nonNegative(errors, "spec.replicas", spec.replicas);
  const at = "spec.template";
  const { template } = spec;
  if (!template) return [...errors, required(at)];
  const labels = template.metadata?.labels;
  if (!selector.every(([key, value]) => labels?.[key] === value)) {
    errors.push(invalidValue(`${at}.metadata.labels`, labels ?? null, "`selector` does not match template `labels`"));
  }
  validateTemplate(errors, at, template, { env, old: old?.template });
  if (template.spec?.restartPolicy !== "Always") {
    errors.push(notSupported(`${at}.spec.restartPolicy`, template.spec?.restartPolicy ?? "", ["Always"]));
  }
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    const words = "activeDeadlineSeconds in ReplicationController is not Supported";
    errors.push(forbiddenField(`${at}.spec.activeDeadlineSeconds`, words));
  }
  return errors;
}

/** The counters of a set of replicas: none below zero, none above the whole. */
export interface ReplicaCounts {
  readonly replicas?: number;
  readonly fullyLabeledReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly terminatingReplicas?: number;
  readonly observedGeneration?: number;
}

/** What is wrong with the counters of a ReplicationController or ReplicaSet. */
export function validateReplicaStatus(status: ReplicaCounts | undefined): Errors {
  const errors: Errors = [];
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status ?? {};
  const fields = [
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "terminatingReplicas",
    "observedGeneration",
  ] as const;
  for (const field of fields) nonNegative(errors, `status.${field}`, status?.[field]);
  for (const field of ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const) {
    const value = status?.[field] ?? 0;
    if (value > replicas) errors.push(invalidValue(`status.${field}`, value, "cannot be greater than status.replicas"));
  }
  if (availableReplicas > readyReplicas) {
    errors.push(invalidValue("status.availableReplicas", availableReplicas, "cannot be greater than readyReplicas"));
  }
  return errors;
}
