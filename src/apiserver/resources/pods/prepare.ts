import type { corev1, metav1 } from "../../../api/index.ts";
import { deepEqual } from "../../../machinery/index.ts";
import type { StrategyContext } from "../../seams/index.ts";
import type { Gates } from "../common/gates.ts";
import type { Errors } from "../common/errors.ts";
import { validateAppArmor } from "./security.ts";
import { containersOf } from "./visit.ts";

/** Removes from a spec what gates that are off would allow, unless the stored one has it. */
export function dropDisabled(spec: corev1.PodSpec, old: corev1.PodSpec | undefined, gates: Gates): void {
  if (!gates.GenericWorkload && !old?.workloadRef) delete spec.workloadRef;
  if (!gates.PodLevelResources && !old?.resources) delete spec.resources;
  if (!gates.HostnameOverride && old?.hostnameOverride === undefined) delete spec.hostnameOverride;
  if (!gates.UserNamespacesSupport && old?.hostUsers === undefined) delete spec.hostUsers;
  if (!gates.ContainerStopSignals && !(old && containersOf(old).some((c) => c.lifecycle?.stopSignal))) {
    for (const { lifecycle } of containersOf(spec)) if (lifecycle) delete lifecycle.stopSignal;
  }
  for (const [gate, source] of PROJECTIONS) {
    const inUse = (old?.volumes ?? []).some((v) => (v.projected?.sources ?? []).some((s) => s[source]));
    if (gates[gate] || inUse) continue;
    for (const volume of spec.volumes ?? []) for (const s of volume.projected?.sources ?? []) delete s[source];
  }
}

const PROJECTIONS = [
  ["ClusterTrustBundleProjection", "clusterTrustBundle"],
  ["PodCertificateRequest", "podCertificate"],
] as const;

/** Removes from a status what gates that are off would allow. */
export function dropDisabledStatus(status: corev1.PodStatus, old: corev1.PodStatus, gates: Gates): void {
  if (!gates.InPlacePodLevelResourcesVerticalScaling && !old.resources && !old.allocatedResources) {
    delete status.resources;
    delete status.allocatedResources;
  }
  if (!gates.DRAExtendedResource && !old.extendedResourceClaimStatus) delete status.extendedResourceClaimStatus;
  if (gates.ResourceHealthStatus) return;
  for (const list of ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const) {
    for (const container of status[list] ?? []) delete container.allocatedResourcesStatus;
  }
}

/** A new pod with gates is not scheduled, and says so. */
export function markGated(pod: corev1.Pod, now: string): void {
  if ((pod.spec.schedulingGates?.length ?? 0) === 0) return;
  const message = "Scheduling is blocked due to non-empty scheduling gates";
  pod.status.conditions = [
    {
      type: "PodScheduled",
      status: "False",
      reason: "SchedulingGated",
      message,
      lastTransitionTime: now,
    } as corev1.PodCondition,
  ];
}

/** Turns label keys into requirements with the pod's own values. */
export function mergeLabelKeys(pod: corev1.Pod, gates: Gates): void {
  const labels = pod.metadata.labels ?? {};
  const { affinity, topologySpreadConstraints = [] } = pod.spec;
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((a) => [
    ...(a?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm),
    ...(a?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
  ]);
  for (const term of terms) {
    addRequirements(term.labelSelector, "In", term.matchLabelKeys, labels);
    addRequirements(term.labelSelector, "NotIn", term.mismatchLabelKeys, labels);
  }
  if (!gates.MatchLabelKeysInPodTopologySpreadSelectorMerge) return;
  for (const c of topologySpreadConstraints) addRequirements(c.labelSelector, "In", c.matchLabelKeys, labels);
}

function addRequirements(
  selector: metav1.LabelSelector | undefined,
  operator: "In" | "NotIn",
  keys: readonly string[] | undefined,
  labels: Readonly<Record<string, string>>,
): void {
  if (!selector) return;
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value !== undefined) (selector.matchExpressions ??= []).push({ key, operator, values: [value] });
  }
}

const APPARMOR = "container.apparmor.security.beta.kubernetes.io/";

/** Old AppArmor annotations become fields. */
export function adoptAppArmorAnnotations(pod: corev1.Pod, context: StrategyContext): void {
  const { annotations } = pod.metadata;
  if (!annotations || pod.spec.os?.name === "windows") return;
  for (const container of containersOf(pod.spec)) {
    const key = APPARMOR + container.name;
    const text = annotations[key];
    if (text === undefined || container.securityContext?.appArmorProfile) continue;
    const profile = appArmorFrom(text);
    const same = profile && deepEqual(profile, pod.spec.securityContext?.appArmorProfile);
    if (profile && !same) (container.securityContext ??= {}).appArmorProfile = profile;
    if (!same) {
      context.warn(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`);
    }
  }
}

function appArmorFrom(text: string): corev1.AppArmorProfile | undefined {
  if (text === "unconfined") return { type: "Unconfined" };
  if (text === "runtime/default") return { type: "RuntimeDefault" };
  if (!text.startsWith("localhost/")) return undefined;
  const profile: corev1.AppArmorProfile = { type: "Localhost", localhostProfile: text.slice("localhost/".length) };
  const errors: Errors = [];
  validateAppArmor(errors, "", profile);
  return errors.length === 0 ? profile : undefined;
}

/** Generations that a status leaves out stay what they were. */
export function keepObservedGenerations(status: corev1.PodStatus, old: corev1.PodStatus): void {
  if (!status.observedGeneration && old.observedGeneration) status.observedGeneration = old.observedGeneration;
  const before = new Map<string, (number | undefined)[]>();
  for (const { type, observedGeneration } of old.conditions ?? []) {
    const list = before.get(type);
    if (list) list.push(observedGeneration);
    else before.set(type, [observedGeneration]);
  }
  for (const condition of status.conditions ?? []) {
    const generation = before.get(condition.type)?.shift();
    if (!condition.observedGeneration && generation) condition.observedGeneration = generation;
  }
}
