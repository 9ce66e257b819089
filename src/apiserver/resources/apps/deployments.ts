import type { appsv1 } from "../../../api/index.ts";
import {
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  semanticEqual,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, nonNegative } from "../common/errors.ts";
import {
  amountOf,
  compileSelector,
  validateAtMostAll,
  validateCollisions,
  validateCounters,
  validateIntOrPercent,
  validateParts,
  validateRequiredSelector,
  validateRunsForever,
  validateTemplateLabels,
} from "../common/workloads.ts";
import { podNameWarnings, validateReplicaStatus } from "../core/replication-controllers.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { dropDisabledInTemplate, templateWarnings, validateTemplate } from "../pods/template.ts";

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;

/** Deployments. Their annotations count as change too: a rollback says in them what it did. */
export function deployments(env: KindEnv): Kind<Deployment> {
  return {
    generation: ["spec", "metadata.annotations"],
    prepareForCreate: ({ spec }) => dropDisabledInTemplate(spec.template, undefined, env),
    prepareForUpdate: ({ spec }, old) => dropDisabledInTemplate(spec.template, old.spec.template, env),
    validate: ({ spec }, old) => validateDeployment(env, spec, old?.spec),
    validateChange: ({ spec }, old) => validateImmutable(spec.selector, old.spec.selector, "spec.selector"),
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : podNameWarnings(metadata.name)),
      ...(old && semanticEqual(spec, old.spec) ? [] : templateWarnings("spec.template", spec.template, undefined)),
    ],
    subresources: {
      status: {
        prepare(deployment, old) {
          if (old.metadata.labels) deployment.metadata.labels = { ...old.metadata.labels };
          else delete deployment.metadata.labels;
          const kept =
            env.gates.DeploymentReplicaSetTerminatingReplicas || old.status.terminatingReplicas !== undefined;
          if (!kept) delete deployment.status.terminatingReplicas;
        },
        validate: ({ status }, old) => validateDeploymentStatus(status, old.status),
      },
    },
  };
}

function validateDeployment(env: KindEnv, spec: appsv1.DeploymentSpec, old: appsv1.DeploymentSpec | undefined): Errors {
  const errors: Errors = [];
  nonNegative(errors, "spec.replicas", spec.replicas);
  validateSelectorAndTemplate(errors, env, spec, old);
  validateStrategy(errors, "spec.strategy", spec.strategy);
  nonNegative(errors, "spec.minReadySeconds", spec.minReadySeconds);
  nonNegative(errors, "spec.revisionHistoryLimit", spec.revisionHistoryLimit);
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined) {
    nonNegative(errors, "spec.progressDeadlineSeconds", deadline);
    if (deadline <= (spec.minReadySeconds ?? 0)) {
      errors.push(invalidValue("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
    }
  }
  return errors;
}

type Templated = Pick<appsv1.DeploymentSpec, "selector" | "template">;

function validateSelectorAndTemplate(
  errors: Errors,
  env: KindEnv,
  spec: Templated | appsv1.ReplicaSetSpec,
  old: Templated | appsv1.ReplicaSetSpec | undefined,
): void {
  validateRequiredSelector(errors, "spec.selector", spec.selector, "deployment");
  if (!compileSelector(spec.selector)) {
    return void errors.push(invalidValue("spec.selector", spec.selector, "invalid label selector"));
  }
  const template = spec.template ?? { spec: { containers: [] } };
  const given = Object.keys(spec.selector?.matchLabels ?? {}).length + (spec.selector?.matchExpressions?.length ?? 0);
  if (given > 0) validateTemplateLabels(errors, "spec.template", template, spec.selector);
  validateTemplate(errors, "spec.template", template, { env, old: old?.template });
  validateRunsForever(errors, "spec.template", template.spec, "ReplicaSet");
}

function validateStrategy(errors: Errors, path: string, strategy: appsv1.DeploymentStrategy): void {
  const { type, rollingUpdate: rolling } = strategy;
  if (type === "Recreate") {
    if (rolling) {
      const words = "may not be specified when strategy `type` is 'Recreate'";
      errors.push(forbiddenField(`${path}.rollingUpdate`, words));
    }
  } else if (type !== "RollingUpdate") errors.push(notSupported(path, strategy, ["Recreate", "RollingUpdate"]));
  else if (!rolling) errors.push(required(`${path}.rollingUpdate`, "this should be defaulted and never be nil"));
  else {
    const at = `${path}.rollingUpdate`;
    validateIntOrPercent(errors, `${at}.maxUnavailable`, rolling.maxUnavailable);
    validateIntOrPercent(errors, `${at}.maxSurge`, rolling.maxSurge);
    if (amountOf(rolling.maxUnavailable) === 0 && amountOf(rolling.maxSurge) === 0) {
      const words = "may not be 0 when `maxSurge` is 0";
      errors.push(invalidValue(`${at}.maxUnavailable`, rolling.maxUnavailable ?? 0, words));
    }
    validateAtMostAll(errors, `${at}.maxUnavailable`, rolling.maxUnavailable);
  }
}

function validateDeploymentStatus(status: appsv1.DeploymentStatus, old: appsv1.DeploymentStatus): Errors {
  const errors: Errors = [];
  validateCounters(errors, "status", status, [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
  ]);
  validateParts(errors, status, ["updatedReplicas", "readyReplicas", "availableReplicas"]);
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0)) {
    const words = "cannot be greater than readyReplicas";
    errors.push(invalidValue("status.availableReplicas", status.availableReplicas, words));
  }
  validateCollisions(errors, status.collisionCount, old.collisionCount);
  return errors;
}

/** Replica sets. */
export function replicaSets(env: KindEnv): Kind<ReplicaSet> {
  return {
    generation: ["spec"],
    initialStatus: () => ({ replicas: 0 }),
    prepareForCreate: ({ spec }) => dropDisabledInTemplate(spec.template, undefined, env),
    prepareForUpdate: ({ spec }, old) => dropDisabledInTemplate(spec.template, old.spec.template, env),
    validate({ spec }, old) {
      const errors: Errors = [];
      nonNegative(errors, "spec.replicas", spec.replicas);
      nonNegative(errors, "spec.minReadySeconds", spec.minReadySeconds);
      validateSelectorAndTemplate(errors, env, spec, old?.spec);
      return errors;
    },
    validateChange: ({ spec }, old) => validateImmutable(spec.selector, old.spec.selector, "spec.selector"),
    warnings: ({ metadata, spec }, old) => [
      ...(old ? [] : podNameWarnings(metadata.name)),
      ...(old && semanticEqual(spec, old.spec) ? [] : templateWarnings("spec.template", spec.template, undefined)),
    ],
    subresources: {
      status: {
        prepare({ status }, old) {
          const kept =
            env.gates.DeploymentReplicaSetTerminatingReplicas || old.status.terminatingReplicas !== undefined;
          if (!kept) delete status.terminatingReplicas;
        },
        validate: ({ status }) => validateReplicaStatus(status),
      },
    },
  };
}
