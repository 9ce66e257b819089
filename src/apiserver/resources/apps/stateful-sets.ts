import type { appsv1, corev1 } from "../../../api/index.ts";
import {
  deepEqual,
  FieldPath,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  nameIsDnsLabel,
  notSupported,
  required,
  semanticEqual,
  validateAnnotations,
  validateImmutable,
} from "../../../machinery/index.ts";
import { type Errors, nonNegative, optionalFormat } from "../common/errors.ts";
import { validateLabels } from "../common/labels.ts";
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
import type { Kind, KindEnv } from "../kind.ts";
import { dropDisabledInTemplate, templateWarnings, validateTemplate } from "../pods/template.ts";
import { validateClaimSpec } from "../volumes/claim-spec.ts";
import { claimSpecWarnings } from "../volumes/warnings.ts";

type StatefulSet = appsv1.StatefulSet;
type Spec = appsv1.StatefulSetSpec;

/** Stateful sets. */
export function statefulSets(env: KindEnv): Kind<StatefulSet> {
  return {
    name: nameIsDnsLabel,
    generation: ["spec"],
    initialStatus: () => ({ replicas: 0, availableReplicas: 0 }),
    prepareForCreate: (set) => dropDisabled(set, undefined, env),
    prepareForUpdate: (set, old) => dropDisabled(set, old, env),
    validate({ spec }, old) {
      const errors: Errors = [];
      // What an older release let in may stay, or nothing of the set could be changed any more.
      const skipTemplate = old !== undefined && validateSpec(env, old.spec, old.spec, false).length > 0;
      errors.push(...validateSpec(env, spec, old?.spec, skipTemplate));
      return errors;
    },
    validateChange: ({ spec }, old) => validateChange(spec, old.spec),
    warnings: ({ spec }, old) => [
      ...(old && semanticEqual(spec, old.spec) ? [] : templateWarnings("spec.template", spec.template, undefined)),
      ...(spec.volumeClaimTemplates ?? []).flatMap((claim, i) =>
        claimSpecWarnings(`spec.volumeClaimTemplates[${i}]${old ? ".Spec" : ""}`, claim.spec),
      ),
      ...((spec.revisionHistoryLimit ?? 0) < 0
        ? ["spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"]
        : []),
    ],
    subresources: { status: { validate: ({ status }, old) => validateStatus(status, old.status) } },
  };
}

function dropDisabled(set: StatefulSet, old: StatefulSet | undefined, env: KindEnv): void {
  const inUse = old?.spec.updateStrategy.rollingUpdate?.maxUnavailable !== undefined;
  if (!env.gates.MaxUnavailableStatefulSet && !inUse) delete set.spec.updateStrategy.rollingUpdate?.maxUnavailable;
  dropDisabledInTemplate(set.spec.template, old?.spec.template, env);
}

function validateSpec(env: KindEnv, spec: Spec, old: Spec | undefined, skipTemplate: boolean): Errors {
  const errors: Errors = [];
  const policy: string = spec.podManagementPolicy ?? "";
  if (policy === "") errors.push(required("spec.podManagementPolicy"));
  else if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.push(invalidValue("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  validateStrategy(errors, "spec.updateStrategy", spec.updateStrategy);
  const retention = spec.persistentVolumeClaimRetentionPolicy;
  for (const field of ["whenDeleted", "whenScaled"] as const) {
    const value = retention?.[field] ?? "";
    if (retention && value !== "Retain" && value !== "Delete") {
      const at = `spec.persistentVolumeClaimRetentionPolicy.${field}`;
      errors.push(notSupported(at, value, ["Retain", "Delete"]));
    }
  }
  if (!old) {
    for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
      validateClaimSpec(errors, `spec.volumeClaimTemplates[${i}].spec`, claim.spec);
    }
    optionalFormat(errors, "spec.serviceName", spec.serviceName, isDns1123Label);
  }
  nonNegative(errors, "spec.replicas", spec.replicas);
  nonNegative(errors, "spec.minReadySeconds", spec.minReadySeconds);
  nonNegative(errors, "spec.ordinals.start", spec.ordinals?.start);
  validateRequiredSelector(errors, "spec.selector", spec.selector, "statefulset");
  if (!compileSelector(spec.selector)) errors.push(invalidValue("spec.selector", spec.selector, ""));
  else validateOwnTemplate(errors, env, spec, { old, skip: skipTemplate });
  validateRunsForever(errors, "spec.template", spec.template.spec, "StatefulSet");
  return errors;
}

/** The template, with the claims' volumes in place and without host names, which the controller sets. */
function validateOwnTemplate(
  errors: Errors,
  env: KindEnv,
  spec: Spec,
  options: { readonly old: Spec | undefined; readonly skip: boolean },
): void {
  const path = "spec.template";
  validateTemplateLabels(errors, path, spec.template, spec.selector);
  if (options.skip) {
    const { labels, annotations } = spec.template.metadata ?? {};
    validateLabels(errors, `${path}.labels`, labels);
    errors.push(...validateAnnotations(annotations, FieldPath.root(`${path}.annotations`)));
    return;
  }
  const claims = new Map<string, corev1.Volume>();
  for (const { metadata } of spec.volumeClaimTemplates ?? []) {
    claims.set(metadata.name, { name: metadata.name, persistentVolumeClaim: { claimName: metadata.name } });
  }
  const { subdomain: _, hostname: __, ...rest } = spec.template.spec;
  const volumes = [...claims.values(), ...(rest.volumes ?? []).filter((v) => !claims.has(v.name))];
  const template = { ...spec.template, spec: { ...rest, ...(volumes.length > 0 && { volumes }) } };
  validateTemplate(errors, path, template, { env, old: options.old?.template });
}

function validateStrategy(errors: Errors, path: string, strategy: appsv1.StatefulSetUpdateStrategy): void {
  const rolling = strategy.rollingUpdate;
  const at = `${path}.rollingUpdate`;
  if (!strategy.type) errors.push(required(path));
  else if (strategy.type === "OnDelete") {
    if (rolling) errors.push(invalidValue(at, rolling, "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (strategy.type !== "RollingUpdate") {
    errors.push(invalidValue(path, strategy, "must be 'RollingUpdate' or 'OnDelete'"));
  } else if (rolling) {
    nonNegative(errors, `${at}.partition`, rolling.partition);
    const most = rolling.maxUnavailable;
    if (most === undefined) return;
    validateIntOrPercent(errors, `${at}.maxUnavailable`, most);
    if (amountOf(most) === 0) errors.push(invalidValue(`${at}.maxUnavailable`, most, "cannot be 0"));
    validateAtMostAll(errors, `${at}.maxUnavailable`, most);
  }
}

const MUTABLE = [
  "replicas",
  "template",
  "updateStrategy",
  "minReadySeconds",
  "ordinals",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
] as const;

function validateChange(spec: Spec, old: Spec): Errors {
  const fixed = (s: Spec): Partial<Spec> => {
    const copy: Partial<Spec> = { ...s };
    for (const field of MUTABLE) delete copy[field];
    return copy;
  };
  if (semanticEqual(fixed(spec), fixed(old))) return [];
  const words =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  return [forbiddenField("spec", words)];
}

function validateStatus(status: appsv1.StatefulSetStatus, old: appsv1.StatefulSetStatus): Errors {
  const errors: Errors = [];
  const parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"] as const;
  validateCounters(errors, "status", status, ["replicas", ...parts, "observedGeneration", "collisionCount"]);
  validateParts(errors, status, parts);
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0)) {
    const words = "cannot be greater than status.readyReplicas";
    errors.push(invalidValue("status.availableReplicas", status.availableReplicas, words));
  }
  validateCollisions(errors, status.collisionCount, old.collisionCount);
  return errors;
}

/** Snapshots that stateful and daemon sets keep of their templates. */
export function controllerRevisions(): Kind<appsv1.ControllerRevision> {
  return {
    validate({ data, revision }, old) {
      const errors: Errors = [];
      nonNegative(errors, "revision", revision);
      if (old) return errors;
      const value: unknown = data;
      if (value === undefined || value === null) errors.push(required("data", "data is mandatory"));
      else if (typeof value !== "object" || Array.isArray(value)) {
        errors.push(required("data", "data must be a valid JSON object"));
      }
      return errors;
    },
    validateChange: ({ data }, old) => (deepEqual(data, old.data) ? [] : validateImmutable(data, old.data, "data")),
  };
}
