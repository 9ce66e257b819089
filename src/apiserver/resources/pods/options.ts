import type { corev1 } from "../../../api/index.ts";
import { isValidLabelValue } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { hasInvalidSelectorValue, validateLabelSelector } from "../common/labels.ts";
import { isHugePageMultiple, isHugePages } from "../common/quantities.ts";
import type { KindEnv } from "../kind.ts";
import { containersOf } from "./visit.ts";
import type { PodRules } from "./rules.ts";
import { hostSysctlProblem } from "./sysctls.ts";

export type { PodRules } from "./rules.ts";

/** A pod, or a template of one. */
export interface PodLike {
  readonly metadata?: { readonly annotations?: Record<string, string>; readonly name?: string };
  readonly spec: corev1.PodSpec;
}

/** The rules for a pod or template that is to replace `old`, if there is one. */
export function podRules(env: KindEnv, isPod: boolean, old: PodLike | undefined): PodRules {
  const { gates } = env;
  const spec = old?.spec;
  const cost = old?.metadata?.annotations?.["controller.kubernetes.io/pod-deletion-cost"];
  return {
    gates,
    allowPrivileged: env.allowPrivileged,
    isPod,
    allowInvalidDeletionCost: !gates.PodDeletionCost || (cost !== undefined && !isDeletionCost(cost)),
    allowInvalidSelectorValues: spec !== undefined && affinitySelectors(spec).some(hasInvalidSelectorValue),
    allowInvalidNodeAffinityValues: spec !== undefined && hasInvalidNodeAffinity(spec),
    allowIndivisibleHugePages: spec !== undefined && hasIndivisibleHugePages(spec),
    allowInvalidSpreadSelector: spec !== undefined && hasInvalidSpreadSelector(spec),
    allowNonLocalTokenPath: spec !== undefined && hasNonLocalTokenPath(spec),
    allowHostSysctls:
      spec !== undefined && (spec.securityContext?.sysctls ?? []).some((s) => hostSysctlProblem(s.name, spec)),
    allowVolumeDevicesInUserNamespace:
      spec?.hostUsers === false && containersOf(spec).some((c) => (c.volumeDevices?.length ?? 0) > 0),
    allowRestartAllContainers: gates.RestartAllContainersOnContainerExits || usesRestartAll(spec),
    allowTolerationComparison:
      gates.TaintTolerationComparisonOperators ||
      (spec?.tolerations ?? []).some((t) => t.operator === "Gt" || t.operator === "Lt"),
    allowHostNetworkInUserNamespace:
      gates.UserNamespacesHostNetworkSupport || (spec?.hostUsers === false && spec.hostNetwork === true),
  };
}

/** Whether an annotation's text is a 32-bit integer without leading zeros or a plus sign. */
export function isDeletionCost(text: string): boolean {
  return /^(0|-?[0-9]+)$/.test(text) && !/^0[0-9]/.test(text) && Math.abs(Number(text) + 0.5) < 2 ** 31;
}

function affinitySelectors(spec: corev1.PodSpec): (corev1.PodAffinityTerm["labelSelector"] | undefined)[] {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  return [podAffinity, podAntiAffinity]
    .flatMap((a) => [
      ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm),
    ])
    .map((term) => term.labelSelector);
}

function hasInvalidNodeAffinity(spec: corev1.PodSpec): boolean {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.some((t) =>
    (t.matchExpressions ?? []).some((e) => (e.values ?? []).some((v) => isValidLabelValue(v).length > 0)),
  );
}

function hasIndivisibleHugePages(spec: corev1.PodSpec): boolean {
  return containersOf(spec).some((c) =>
    [c.resources?.limits, c.resources?.requests].some((list) =>
      Object.entries(list ?? {}).some(([name, amount]) => isHugePages(name) && !isHugePageMultiple(name, amount)),
    ),
  );
}

function hasInvalidSpreadSelector(spec: corev1.PodSpec): boolean {
  const errors: Errors = [];
  for (const c of spec.topologySpreadConstraints ?? []) validateLabelSelector(errors, "", c.labelSelector);
  return errors.length > 0;
}

function hasNonLocalTokenPath(spec: corev1.PodSpec): boolean {
  return (spec.volumes ?? []).some((v) =>
    (v.projected?.sources ?? []).some((s) => {
      const path = s.serviceAccountToken?.path ?? "";
      return path.startsWith("/") || path.split("/").includes("..") || path.startsWith("..");
    }),
  );
}

function usesRestartAll(spec: corev1.PodSpec | undefined): boolean {
  return (
    spec !== undefined &&
    containersOf(spec).some((c) => (c.restartPolicyRules ?? []).some((r) => r.action === "RestartAllContainers"))
  );
}
