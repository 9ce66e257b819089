import type { appsv1, corev1, Draft, metav1 } from "../../api/index.ts";
import { podFromTemplate } from "../common/pod-control.ts";
import { claimName } from "./claims.ts";

type StatefulSet = appsv1.StatefulSet;
type Pod = corev1.Pod;

export const KIND = ["apps", "v1", "StatefulSet"] as const;
/** The label with the name of the revision that a pod was made of. */
export const REVISION = "controller-revision-hash";
const POD_NAME = "statefulset.kubernetes.io/pod-name";
const POD_INDEX = "apps.kubernetes.io/pod-index";
const NAMED = /^(.*)-([0-9]+)$/s;

/** A pod to be created. */
export type NewPod = Draft<Pod> & {
  metadata: Draft<metav1.ObjectMeta> & { name: string };
  spec: Draft<corev1.PodSpec>;
};

/** The set and the number that a pod's name says; `undefined` when it says neither. */
export function identityOf(podName: string): { readonly parent: string; readonly ordinal: number } | undefined {
  const [, parent, digits] = NAMED.exec(podName) ?? [];
  if (parent === undefined || digits === undefined || Number(digits) > 0x7fffffff) return undefined;
  return { parent, ordinal: Number(digits) };
}

/** The number in a pod's name; -1 when there is none. */
export function ordinalOf(pod: Pod): number {
  return identityOf(pod.metadata.name)?.ordinal ?? -1;
}

/** The number of the set's first pod. */
export function firstOrdinal({ spec }: StatefulSet): number {
  return spec.ordinals?.start ?? 0;
}

/** Whether the set wants a pod of this number. */
export function isWanted(set: StatefulSet, ordinal: number): boolean {
  const first = firstOrdinal(set);
  return ordinal >= first && ordinal < first + (set.spec.replicas ?? 1);
}

/** The name of the revision that the pod was made of. */
export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[REVISION] ?? "";
}

/** The pod of number `ordinal` after the template of a revision. */
export function newPod(set: StatefulSet, ordinal: number, revision: string, template: corev1.PodTemplateSpec): NewPod {
  const draft = podFromTemplate(template, set, KIND);
  const name = `${set.metadata.name}-${ordinal}`;
  const { serviceName } = set.spec;
  return {
    metadata: {
      ...draft.metadata,
      name,
      labels: { ...draft.metadata.labels, ...identityLabels(name, ordinal), [REVISION]: revision },
    },
    spec: {
      ...draft.spec,
      hostname: name,
      ...(serviceName ? { subdomain: serviceName } : {}),
      volumes: volumesWithClaims(set, ordinal, template.spec.volumes),
    },
  };
}

function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [POD_NAME]: name, [POD_INDEX]: String(ordinal) };
}

/** The volumes with one for each claim of the set; a claim's volume takes the place of another of its name. */
function volumesWithClaims(set: StatefulSet, ordinal: number, volumes: readonly corev1.Volume[] = []): corev1.Volume[] {
  const templates = set.spec.volumeClaimTemplates ?? [];
  const claimed = templates.map(({ metadata: { name } }) => ({
    name,
    persistentVolumeClaim: { claimName: claimName(set, name, ordinal) },
  }));
  const names = new Set(claimed.map(({ name }) => name));
  return [...claimed, ...volumes.filter(({ name }) => !names.has(name))];
}

/** The pod with the labels and volumes of its place in the set; `undefined` when it has them. */
export function conformed(set: StatefulSet, pod: Pod): Pod | undefined {
  const { name, labels } = pod.metadata;
  const ordinal = ordinalOf(pod);
  const storage = storageMatches(set, pod, ordinal);
  if (labels?.[POD_NAME] === name && storage) return undefined;
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...labels, ...identityLabels(name, ordinal) } },
    ...(storage ? {} : { spec: { ...pod.spec, volumes: volumesWithClaims(set, ordinal, pod.spec.volumes) } }),
  };
}

function storageMatches(set: StatefulSet, pod: Pod, ordinal: number): boolean {
  const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return (set.spec.volumeClaimTemplates ?? []).every(
    ({ metadata: { name } }) => volumes.get(name)?.persistentVolumeClaim?.claimName === claimName(set, name, ordinal),
  );
}
