import type { batchv1, corev1 } from "../../api/index.ts";
import { isPodTerminating } from "../common/pods.ts";

type Job = batchv1.Job;
type Pod = corev1.Pod;

/** Keeps a pod until the Job has counted it. */
export const TRACKING = "batch.kubernetes.io/job-tracking";
const INDEX = "batch.kubernetes.io/job-completion-index";
const FAILURES = "batch.kubernetes.io/job-index-failure-count";
const IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count";
const INDEX_VARIABLE = "JOB_COMPLETION_INDEX";
const MAX_NAME_PREFIX = 58;

/** Whether every pod of the Job has an index of its own. */
export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === "Indexed";
}

/** Whether the pod is still to be counted. */
export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING) ?? false;
}

/** Whether pods are replaced only once they have failed, not while they are being deleted. */
export function replacesFailedOnly(job: Job): boolean {
  return job.spec.podReplacementPolicy === "Failed" || job.spec.podFailurePolicy !== undefined;
}

/** Failed, or being deleted where that counts as failing. */
export function isFailed(pod: Pod, job: Job): boolean {
  if (pod.status.phase === "Failed") return true;
  if (replacesFailedOnly(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status.phase !== "Succeeded";
}

/** The pod's index; `undefined` when it has none that can be read. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX];
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** The pod's index when it is one that the Job has. */
export function validIndex(pod: Pod, job: Job): number | undefined {
  const index = indexOf(pod);
  return index !== undefined && index < (job.spec.completions ?? 0) ? index : undefined;
}

/** The indexes that the pods have. */
export function indexesOf(pods: Iterable<Pod>): Set<number> {
  const indexes = new Set<number>();
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index !== undefined) indexes.add(index);
  }
  return indexes;
}

/** How often the pod's index had failed before the pod: failures that count. */
export function failuresBefore(pod: Pod): number {
  return count(pod.metadata.annotations?.[FAILURES]);
}

/** How often the pod's index had failed before the pod, ignored failures included. */
export function allFailuresBefore(pod: Pod): number {
  return failuresBefore(pod) + count(pod.metadata.annotations?.[IGNORED_FAILURES]);
}

function count(text: string | undefined): number {
  if (text === undefined || !/^[0-9]+$/.test(text)) return 0;
  const value = Number(text);
  return value < 2 ** 31 ? value : 0;
}

/** Which pod to make of the Job's template. */
export interface NewPod {
  readonly index?: number;
  /** Failures to go on counting from, for Jobs with a limit an index. */
  readonly failures?: { readonly counted: number; readonly ignored: number };
}

/** The template of a pod to create, with what makes it countable and, if it has one, its index. */
export function jobTemplate(job: Job, { index, failures }: NewPod): corev1.PodTemplateSpec {
  const { metadata = {}, spec } = job.spec.template;
  const finalizers = [...new Set([...(metadata.finalizers ?? []), TRACKING])];
  if (index === undefined) return { metadata: { ...metadata, finalizers }, spec };
  const annotations: Record<string, string> = { ...metadata.annotations, [INDEX]: String(index) };
  if (failures !== undefined) {
    annotations[FAILURES] = String(failures.counted);
    if (failures.ignored > 0) annotations[IGNORED_FAILURES] = String(failures.ignored);
  }
  return {
    metadata: { ...metadata, finalizers, annotations, labels: { ...metadata.labels, [INDEX]: String(index) } },
    spec: {
      ...spec,
      hostname: `${job.metadata.name}-${index}`,
      containers: spec.containers.map(withIndexVariable),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(withIndexVariable) }),
    },
  };
}

function withIndexVariable(container: corev1.Container): corev1.Container {
  const env = container.env ?? [];
  if (env.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldPath = `metadata.labels['${INDEX}']`;
  return { ...container, env: [...env, { name: INDEX_VARIABLE, valueFrom: { fieldRef: { fieldPath } } }] };
}

/** `job-3-`: what the name of a pod with an index starts with. */
export function indexedPrefix(job: string, index: number): string {
  const suffix = `-${index}-`;
  return `${job.slice(0, MAX_NAME_PREFIX - suffix.length)}${suffix}`;
}

/** How many pods are going but not gone. */
export function countTerminating(pods: readonly Pod[]): number {
  return pods.filter(isPodTerminating).length;
}
