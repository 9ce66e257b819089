import type { corev1 } from "../../../api/index.ts";
import { deepClone, forbiddenField, formatTime, isDns1123Label, semanticEqual } from "../../../machinery/index.ts";
import type { FieldError, StrategyContext } from "../../seams/index.ts";
import { describeDiff } from "../common/diff.ts";
import type { Errors } from "../common/errors.ts";
import { ipWarnings } from "../common/ip.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { MIRROR, validateAnnotationChange, validatePodAnnotations, validateProfilesAgree } from "./annotations.ts";
import { validateImageText } from "./containers.ts";
import { podRules } from "./options.ts";
import {
  adoptAppArmorAnnotations,
  dropDisabled,
  dropDisabledStatus,
  keepObservedGenerations,
  markGated,
  mergeLabelKeys,
} from "./prepare.ts";
import { qosClassOf } from "./qos.ts";
import { keepResizeOnly, validateResize } from "./resize.ts";
import { validatePodSpec } from "./spec.ts";
import { validateStatusChange } from "./status.ts";
import { validateSpecChange } from "./update.ts";
import { podWarnings } from "./warnings.ts";

type Pod = corev1.Pod;

/** Pods: the largest kind. */
export function pods(env: KindEnv): Kind<Pod> {
  const { gates } = env;
  return {
    generation: ["spec"],
    initialStatus: ({ spec }) => ({ phase: "Pending", qosClass: qosClassOf(spec) }),
    prepareForCreate(pod, context) {
      dropDisabled(pod.spec, undefined, gates);
      markGated(pod, formatTime(context.now));
      mergeLabelKeys(pod, gates);
      adoptAppArmorAnnotations(pod, context);
    },
    prepareForUpdate: (pod, old) => dropDisabled(pod.spec, old.spec, gates),
    validate: (pod, old) => validatePod(env, pod, old),
    validateChange(pod, old) {
      const errors: Errors = [];
      validateAnnotationChange(errors, "metadata.annotations", [pod.metadata.annotations, old.metadata.annotations]);
      validateSpecChange(errors, [pod.spec, old.spec], podRules(env, true, old));
      return errors;
    },
    warnings: (pod, old) => (old ? [] : createWarnings(pod)),
    gracefulDelete: gracePeriod,
    subresources: {
      status: {
        prepare: (pod, old) => prepareStatus(env, pod, old),
        validate(pod, old) {
          const errors: Errors = [];
          validateStatusChange(errors, pod, old, podRules(env, true, old));
          return errors;
        },
        warnings: ({ status }) => [
          ...(status.podIPs ?? []).flatMap(({ ip }, i) => ipWarnings(`status.podIPs[${i}].ip`, ip)),
          ...(status.hostIPs ?? []).flatMap(({ ip }, i) => ipWarnings(`status.hostIPs[${i}].ip`, ip)),
        ],
      },
      ephemeralcontainers: {
        changes: ["spec"],
        keepMetadata: true,
        prepare: keepEphemeralOnly,
        validate: (pod, old) => validateEphemeralChange(env, pod, old),
      },
      resize: {
        changes: ["spec"],
        keepMetadata: true,
        prepare: (pod, old) => keepResizeOnly(pod, old, gates.InPlacePodLevelResourcesVerticalScaling),
        validate(pod, old) {
          const errors: Errors = validatePod(env, pod, old);
          validateResize(errors, pod, old, podRules(env, true, old));
          return errors;
        },
      },
    },
  };
}

function validatePod(env: KindEnv, pod: Pod, old: Pod | undefined): FieldError[] {
  const errors: Errors = [];
  const { spec } = pod;
  const { annotations } = pod.metadata;
  const rules = podRules(env, true, old);
  validatePodAnnotations(errors, "metadata.annotations", annotations, { spec, rules });
  validatePodSpec(errors, "spec", spec, { rules, meta: pod.metadata });
  if (!spec.serviceAccountName) refuseTokens(errors, spec);
  for (const list of ["containers", "initContainers"] as const) {
    for (const [i, container] of (spec[list] ?? []).entries())
      validateImageText(errors, `spec.${list}[${i}]`, container);
  }
  if (old) return errors;
  if ((spec.ephemeralContainers?.length ?? 0) > 0) {
    errors.push(forbiddenField("spec.ephemeralContainers", "cannot be set on create"));
  }
  if (spec.nodeName && (spec.schedulingGates?.length ?? 0) > 0) {
    errors.push(forbiddenField("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  validateProfilesAgree(errors, "spec", annotations, spec);
  return errors;
}

function refuseTokens(errors: Errors, spec: corev1.PodSpec): void {
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    for (const [j, source] of (volume.projected?.sources ?? []).entries()) {
      if (!source.serviceAccountToken) continue;
      const path = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
      errors.push(forbiddenField(path, "must not be specified when serviceAccountName is not set"));
    }
  }
}

function createWarnings(pod: Pod): string[] {
  const problems = isDns1123Label(pod.metadata.name);
  const words =
    "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
  const name = problems.length > 0 ? [`metadata.name: ${words}: [${problems.join(" ")}]`] : [];
  return [...name, ...podWarnings("", pod.metadata, pod.spec)];
}

/** The grace of a DELETE: as asked, else the pod's own; none for pods that are not on a node or have ended. */
function gracePeriod({ spec, status }: Pod, requested: number | undefined): number {
  const ended = status.phase === "Failed" || status.phase === "Succeeded";
  if (!spec.nodeName || ended) return 0;
  const seconds = requested ?? spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

function prepareStatus(env: KindEnv, pod: Pod, old: Pod): void {
  delete pod.metadata.deletionTimestamp;
  if (old.metadata.deletionTimestamp !== undefined) pod.metadata.deletionTimestamp = old.metadata.deletionTimestamp;
  if (old.metadata.ownerReferences) pod.metadata.ownerReferences = deepClone(old.metadata.ownerReferences);
  else delete pod.metadata.ownerReferences;
  pod.status ??= {};
  if (!pod.status.qosClass && old.status.qosClass) pod.status.qosClass = old.status.qosClass;
  keepObservedGenerations(pod.status, old.status);
  dropDisabledStatus(pod.status, old.status, env.gates);
}

function keepEphemeralOnly(pod: Pod, old: Pod, _context: StrategyContext): void {
  const { ephemeralContainers } = pod.spec;
  const spec = deepClone(old.spec);
  if (ephemeralContainers) spec.ephemeralContainers = ephemeralContainers;
  else delete spec.ephemeralContainers;
  pod.spec = spec;
}

function validateEphemeralChange(env: KindEnv, pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[MIRROR] !== undefined) {
    return [forbiddenField("[]", "static pods do not support ephemeral containers")];
  }
  const errors: Errors = validatePod(env, pod, old);
  const path = "spec.ephemeralContainers";
  for (const was of old.spec.ephemeralContainers ?? []) {
    const is = (pod.spec.ephemeralContainers ?? []).find((c) => c.name === was.name);
    const what = `existing ephemeral containers "${was.name}" may not be`;
    if (!is) errors.push(forbiddenField(path, `${what} removed\n`));
    else if (!semanticEqual(is, was)) errors.push(forbiddenField(path, `${what} changed\n${describeDiff(was, is)}`));
  }
  return errors;
}
