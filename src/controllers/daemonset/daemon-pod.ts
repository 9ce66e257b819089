import type { appsv1, corev1 } from "../../api/index.ts";
import { allowsNode } from "../common/node-affinity.ts";
import { tolerates } from "../common/taints.ts";

type DaemonSet = appsv1.DaemonSet;

/** On pods and revisions: which template they are of. */
export const REVISION_HASH = "controller-revision-hash";
const GENERATION_LABEL = "pod-template-generation";
const GENERATION_ANNOTATION = "deprecated.daemonset.template.generation";

/** Troubles of nodes that daemons live through; the last only those that do not need the pod network. */
const TOLERATED: readonly (readonly [key: string, effect: "NoExecute" | "NoSchedule", hostNetworkOnly?: boolean])[] = [
  ["node.kubernetes.io/not-ready", "NoExecute"],
  ["node.kubernetes.io/unreachable", "NoExecute"],
  ["node.kubernetes.io/disk-pressure", "NoSchedule"],
  ["node.kubernetes.io/memory-pressure", "NoSchedule"],
  ["node.kubernetes.io/pid-pressure", "NoSchedule"],
  ["node.kubernetes.io/unschedulable", "NoSchedule"],
  ["node.kubernetes.io/network-unavailable", "NoSchedule", true],
];

/** The template's tolerations and those that every daemon has. */
export function daemonTolerations(spec: corev1.PodSpec): corev1.Toleration[] {
  const tolerations = [...(spec.tolerations ?? [])];
  for (const [key, effect, hostNetworkOnly] of TOLERATED) {
    if (hostNetworkOnly === true && spec.hostNetwork !== true) continue;
    const toleration = { key, operator: "Exists", effect } as const;
    const at = tolerations.findIndex(
      (t) => t.key === key && t.operator === "Exists" && t.effect === effect && (t.value ?? "") === "",
    );
    if (at < 0) tolerations.push(toleration);
    else tolerations[at] = toleration;
  }
  return tolerations;
}

/** The template of the pod for one node: pinned to it by affinity, so that the scheduler still has its say. */
export function daemonTemplate(set: DaemonSet, hash: string, nodeName: string): corev1.PodTemplateSpec {
  const { metadata, spec } = set.spec.template;
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  const labels = {
    ...metadata?.labels,
    ...(generation === undefined || !/^[0-9]+$/.test(generation) ? {} : { [GENERATION_LABEL]: generation }),
    [REVISION_HASH]: hash,
  };
  const pinned = {
    nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In" as const, values: [nodeName] }] }],
  };
  const affinity = {
    ...spec.affinity,
    nodeAffinity: { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: pinned },
  };
  return {
    metadata: { ...metadata, labels },
    spec: { ...spec, tolerations: daemonTolerations(spec), affinity },
  };
}

/** The node that a daemon's pod is on, or is meant for; `undefined` when it does not say. */
export function targetNode(pod: corev1.Pod): string | undefined {
  const { nodeName = "", affinity } = pod.spec;
  if (nodeName !== "") return nodeName;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === "metadata.name" && operator === "In" && values.length === 1) return values[0];
    }
  }
  return undefined;
}

/** Whether the pod is of the set's present template. */
export function isUpdated(set: DaemonSet, pod: corev1.Pod, hash: string): boolean {
  const { labels = {} } = pod.metadata;
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  return labels[REVISION_HASH] === hash || (generation !== undefined && labels[GENERATION_LABEL] === generation);
}

/** Whether a node should get a daemon, and whether one that is there may stay. */
export interface Placement {
  readonly run: boolean;
  readonly stay: boolean;
}

const NOWHERE: Placement = { run: false, stay: false };

/** Judges a node by name, affinity and taints. */
export function placementOn(set: DaemonSet, node: corev1.Node): Placement {
  const { spec } = set.spec.template;
  const { nodeName = "" } = spec;
  if ((nodeName !== "" && nodeName !== node.metadata.name) || !allowsNode(spec, node)) return NOWHERE;
  const tolerations = daemonTolerations(spec);
  const untolerated = (node.spec.taints ?? []).filter(
    (taint) => taint.effect !== "PreferNoSchedule" && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
  if (untolerated.length === 0) return { run: true, stay: true };
  return { run: false, stay: untolerated.every((taint) => taint.effect !== "NoExecute") };
}
