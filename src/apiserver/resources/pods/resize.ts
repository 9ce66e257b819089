import type { corev1 } from "../../../api/index.ts";
import { deepClone, forbiddenField, invalidValue, semanticEqual } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { MIRROR } from "./annotations.ts";
import type { PodRules } from "./options.ts";
import { qosClassOf } from "./qos.ts";
import { isSidecar } from "./visit.ts";

type Lists = "containers" | "initContainers";

/** Takes from a resize request what it may bring: the resources of containers that are still the same ones. */
export function keepResizeOnly(pod: corev1.Pod, old: corev1.Pod, podLevel: boolean): void {
  const { spec } = pod;
  if ((spec.containers?.length ?? 0) !== (old.spec.containers?.length ?? 0)) return;
  if ((spec.initContainers?.length ?? 0) !== (old.spec.initContainers?.length ?? 0)) return;
  const merged = deepClone(old.spec);
  for (const list of ["containers", "initContainers"] as const) {
    const next = mergeResources(spec[list], old.spec[list]);
    if (next) merged[list] = next;
  }
  if (podLevel) {
    if (spec.resources) merged.resources = spec.resources;
    else delete merged.resources;
  }
  pod.spec = merged;
}

function mergeResources(
  next: corev1.Container[] | undefined,
  old: readonly corev1.Container[] = [],
): corev1.Container[] | undefined {
  if (!next || next.some((c, i) => c.name !== old[i]?.name)) return next;
  return next.map((container, i) => {
    const { resizePolicy: _, ...rest } = old[i] ?? container;
    const { resources, resizePolicy } = container;
    return deepClone({ ...rest, resources, ...(resizePolicy && { resizePolicy }) });
  });
}

/** What may change by a resize: CPU and memory of main containers and sidecars, not the quality of service. */
export function validateResize(errors: Errors, pod: corev1.Pod, old: corev1.Pod, rules: PodRules): void {
  const refuse = (path: string, words: string): void => void errors.push(forbiddenField(path, words));
  if (old.metadata.annotations?.[MIRROR] !== undefined) {
    errors.length = 0;
    return refuse("[]", "static pods cannot be resized");
  }
  if (old.spec.os?.name === "windows") {
    errors.length = 0;
    return refuse("[]", "windows pods cannot be resized");
  }
  if ((old.status.qosClass ?? qosClassOf(old.spec)) !== qosClassOf(pod.spec)) {
    const words = "Pod QOS Class may not change as a result of resizing";
    errors.push(invalidValue("spec", pod.status.qosClass ?? "", words));
  }
  const running = (old.status.containerStatuses ?? []).find((s) => s.state?.running);
  if (running && !running.resources) refuse("spec", "Pod running on node without support for resize");
  const munged = deepClone(pod.spec);
  if (hasPodLevel(pod) || hasPodLevel(old)) {
    if (!rules.gates.InPlacePodLevelResourcesVerticalScaling) {
      const gate = "InPlacePodLevelResourcesVerticalScalingEnabled";
      return refuse("[]", `resize of pods with pod-level resources is forbidden when ${gate} feature gate is disabled`);
    }
    validatePodLevel(errors, munged, old.spec);
  }
  if (!validateOrder(errors, pod.spec, old.spec)) return;
  validateRemovals(errors, pod.spec, old.spec);
  compareContainers(errors, munged, old.spec);
  if (errors.length === 0 && !semanticEqual(munged, old.spec))
    refuse("spec", "only cpu and memory resources are mutable");
}

function hasPodLevel({ spec }: corev1.Pod): boolean {
  return Object.keys({ ...spec.resources?.requests, ...spec.resources?.limits }).length > 0;
}

function validatePodLevel(errors: Errors, munged: corev1.PodSpec, old: corev1.PodSpec): void {
  if (old.resources && !munged.resources) {
    return void errors.push(forbiddenField("spec.resources", "pod-level resources cannot be removed"));
  }
  for (const kind of ["requests", "limits"] as const) {
    if (old.resources && removed(munged.resources?.[kind], old.resources[kind])) {
      errors.push(forbiddenField(`spec.resources.${kind}`, `pod-level resource ${kind} cannot be removed`));
    }
  }
  if (munged.resources) munged.resources = withOldComputeOf(munged.resources, old.resources);
  if (!semanticEqual(munged.resources ?? {}, old.resources ?? {})) {
    errors.push(forbiddenField("spec", "only cpu and memory resources are mutable at pod-level"));
  }
}

function validateOrder(errors: Errors, spec: corev1.PodSpec, old: corev1.PodSpec): boolean {
  const before = errors.length;
  for (const list of ["containers", "initContainers"] as const satisfies readonly Lists[]) {
    const [next, was] = [spec[list] ?? [], old[list] ?? []];
    if (next.length !== was.length) {
      errors.push(forbiddenField(`spec.${list}`, `${list} may not be added or removed on resize`));
      continue;
    }
    for (const [i, { name }] of was.entries()) {
      if (next[i]?.name !== name) {
        errors.push(forbiddenField(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`));
      }
    }
  }
  return errors.length === before;
}

function validateRemovals(errors: Errors, spec: corev1.PodSpec, old: corev1.PodSpec): void {
  for (const list of ["initContainers", "containers"] as const satisfies readonly Lists[]) {
    for (const [i, was] of (old[list] ?? []).entries()) {
      if (list === "initContainers" && !isSidecar(was)) continue;
      for (const kind of ["requests", "limits"] as const) {
        if (removed(spec[list]?.[i]?.resources?.[kind], was.resources?.[kind])) {
          const path = `spec.${list}[${i}].resources.${kind}`;
          errors.push(forbiddenField(path, `resource ${kind} cannot be removed`));
        }
      }
    }
  }
}

type Amounts = Readonly<Record<string, string>> | undefined;

function removed(next: Amounts, old: Amounts): boolean {
  return Object.keys(old ?? {}).some((name) => next?.[name] === undefined);
}

/** Puts CPU and memory back to what they were, and says where more than that changed. */
function compareContainers(errors: Errors, munged: corev1.PodSpec, old: corev1.PodSpec): void {
  const refuse = (words: string): void => void errors.push(forbiddenField("spec", words));
  const compare = (list: Lists, mutable: (c: corev1.Container) => boolean, words: string): void => {
    munged[list]?.forEach((container, i) => {
      const was = old[list]?.[i];
      if (was && mutable(container)) {
        container.resources = withOldComputeOf(container.resources ?? {}, was.resources);
        if (!semanticEqual(container, was)) refuse(words);
      } else if (!semanticEqual(container, was)) refuse("resources for non-sidecar init containers are immutable");
    });
  };
  compare("containers", () => true, "only cpu and memory resources are mutable");
  compare("initContainers", isSidecar, "only cpu and memory resources for sidecar containers are mutable");
}

function withOldComputeOf(
  next: corev1.ResourceRequirements,
  old: corev1.ResourceRequirements | undefined,
): corev1.ResourceRequirements {
  const munge = (list: Amounts, was: Amounts): Record<string, string> => {
    const out: Record<string, string> = { ...list };
    for (const name of ["cpu", "memory"]) {
      const amount = was?.[name];
      if (amount === undefined) delete out[name];
      else out[name] = amount;
    }
    return out;
  };
  const [limits, requests] = [munge(next.limits, old?.limits), munge(next.requests, old?.requests)];
  return {
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(Object.keys(requests).length > 0 && { requests }),
  };
}
