import type { corev1 } from "../../../api/index.ts";
import {
  deepClone,
  forbiddenField,
  invalidValue,
  isInRange,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import { describeDiff } from "../common/diff.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import type { PodRules } from "./options.ts";
import { validateAddedTolerations } from "./tolerations.ts";

const MUTABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/** What may change of a pod's spec by a plain update: images, the deadline, tolerations, gates, and little else. */
export function validateSpecChange(
  errors: Errors,
  [spec, old]: [corev1.PodSpec, corev1.PodSpec],
  rules: PodRules,
): void {
  if (!sameContainers(errors, "spec.containers", spec.containers, old.containers)) return;
  if (!sameContainers(errors, "spec.initContainers", spec.initContainers, old.initContainers)) return;
  if (!validateDeadline(errors, spec.activeDeadlineSeconds, old.activeDeadlineSeconds)) return;
  validateAddedTolerations(errors, "spec.tolerations", [spec.tolerations ?? [], old.tolerations ?? []], rules);
  for (const [i, gate] of (spec.schedulingGates ?? []).entries()) {
    if ((old.schedulingGates ?? []).some((g) => g.name === gate.name)) continue;
    const words = `only deletion is allowed, but found new scheduling gate '${gate.name}'`;
    errors.push(forbiddenField(`spec.schedulingGates[${i}].name`, words));
  }
  if (semanticEqual(spec, old)) return;
  const munged = withMutablePartsOf(spec, old);
  if ((old.schedulingGates?.length ?? 0) > 0) mungeGated(errors, munged, old);
  if (semanticEqual(munged, old)) return;
  const words = `pod updates may not change fields other than ${MUTABLE}\n${describeDiff(old, munged)}`;
  errors.push(forbiddenField("spec", words));
}

function sameContainers(
  errors: Errors,
  path: string,
  next: readonly corev1.Container[] = [],
  old: readonly corev1.Container[] = [],
): boolean {
  if (next.length !== old.length) {
    errors.push(forbiddenField(path, "pod updates may not add or remove containers"));
    return false;
  }
  for (const [i, { image = "" }] of next.entries()) {
    if (image === "") errors.push(required(`${path}[${i}].image`));
    if (image.trim() !== image) {
      errors.push(invalidValue(`${path}[${i}].image`, image, "must not have leading or trailing whitespace"));
    }
  }
  return true;
}

function validateDeadline(errors: Errors, next: number | undefined, old: number | undefined): boolean {
  const path = "spec.activeDeadlineSeconds";
  const before = errors.length;
  if (next === undefined) {
    if (old !== undefined) {
      errors.push(invalidValue(path, null, "must not update from a positive integer to nil value"));
    }
    return true;
  }
  invalidEach(errors, path, next, isInRange(next, 0, 2 ** 31 - 1));
  if (errors.length === before && old !== undefined && old < next) {
    errors.push(invalidValue(path, next, "must be less than or equal to previous value"));
  }
  return errors.length === before;
}

/** The new spec with everything that may change put back to what it was. */
function withMutablePartsOf(spec: corev1.PodSpec, old: corev1.PodSpec): corev1.PodSpec {
  const munged = deepClone(spec);
  for (const list of ["containers", "initContainers"] as const) {
    for (const [i, container] of (munged[list] ?? []).entries()) set(container, "image", old[list]?.[i]?.image);
  }
  for (const field of ["activeDeadlineSeconds", "schedulingGates", "tolerations"] as const)
    set(munged, field, old[field]);
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && munged.terminationGracePeriodSeconds === 1) {
    set(munged, "terminationGracePeriodSeconds", old.terminationGracePeriodSeconds);
  }
  return munged;
}

function set<T extends object, K extends keyof T>(to: T, field: K, value: T[K] | undefined): void {
  if (value === undefined) delete to[field];
  else to[field] = value;
}

/** A gated pod may become choosier about nodes: selectors and terms may gain requirements. */
function mungeGated(errors: Errors, munged: corev1.PodSpec, old: corev1.PodSpec): void {
  if (!semanticEqual(munged.nodeSelector, old.nodeSelector)) {
    const kept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => munged.nodeSelector?.[key] === value);
    if (!kept) {
      const words = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
      errors.push(invalidValue("spec.nodeSelector", munged.nodeSelector ?? null, words));
    }
    set(munged, "nodeSelector", old.nodeSelector);
  }
  const [next, before] = [munged.affinity?.nodeAffinity, old.affinity?.nodeAffinity];
  if (semanticEqual(next, before)) return;
  validateNodeAffinityAdditions(errors, next, before);
  const others = munged.affinity?.podAffinity ?? munged.affinity?.podAntiAffinity;
  if (!munged.affinity) set(munged, "affinity", before && { nodeAffinity: before });
  else if (!old.affinity && !others) delete munged.affinity;
  else set(munged.affinity, "nodeAffinity", before);
}

function validateNodeAffinityAdditions(
  errors: Errors,
  next: corev1.NodeAffinity | undefined,
  old: corev1.NodeAffinity | undefined,
): void {
  const path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const terms = (a: corev1.NodeAffinity | undefined): readonly corev1.NodeSelectorTerm[] =>
    a?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const [newTerms, oldTerms] = [terms(next), terms(old)];
  if (oldTerms.length > 0 && oldTerms.length !== newTerms.length) {
    const words = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
    return void errors.push(invalidValue(path, newTerms, words));
  }
  for (const [i, term] of oldTerms.entries()) {
    const replacement = newTerms[i] ?? {};
    if (!onlyAdds(replacement, term)) {
      const words = "only additions are allowed (no mutations or deletions)";
      errors.push(invalidValue(`${path}[${i}]`, replacement, words));
    }
  }
}

function onlyAdds(next: corev1.NodeSelectorTerm, old: corev1.NodeSelectorTerm): boolean {
  const empty = (t: corev1.NodeSelectorTerm): boolean =>
    (t.matchExpressions?.length ?? 0) === 0 && (t.matchFields?.length ?? 0) === 0;
  if (empty(old) && !empty(next)) return false;
  return (["matchExpressions", "matchFields"] as const).every((list) => {
    const before = old[list] ?? [];
    return semanticEqual((next[list] ?? []).slice(0, before.length), before);
  });
}
