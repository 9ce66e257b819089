import type { corev1, Draft } from "../../api/index.ts";
import { formatTime, getControllerOf } from "../../machinery/index.ts";

/** What is to be done about one pod of a simulated node. */
export type PodStep =
  | { readonly kind: "none" }
  | { readonly kind: "status"; readonly status: Draft<corev1.PodStatus> }
  | { readonly kind: "remove" };

export interface PodContext {
  readonly hostIP: string;
  /** An address for a pod that has none yet. */
  readonly podIP: () => string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The next step of a pod whose containers do nothing: it runs and is ready at once, and succeeds at once when a Job waits
 * for its end; a deleted pod goes without delay. Pure.
 */
export function stepPod(pod: corev1.Pod, context: PodContext): PodStep {
  if (pod.metadata.deletionTimestamp !== undefined) return { kind: "remove" };
  if (pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return { kind: "none" };
  const completes = pod.spec.restartPolicy !== "Always" && getControllerOf(pod)?.kind === "Job";
  const gated = (pod.spec.readinessGates ?? []).length > 0;
  const wanted = completes ? "Succeeded" : "Running";
  if (pod.status.phase === wanted && (gated || isReady(pod) || completes)) return { kind: "none" };
  return { kind: "status", status: completes ? succeeded(pod, context) : running(pod, context) };
}

function isReady(pod: corev1.Pod): boolean {
  return (pod.status.conditions ?? []).some((c) => c.type === "Ready" && c.status === "True");
}

function running(pod: corev1.Pod, context: PodContext): Draft<corev1.PodStatus> {
  const startedAt = formatTime(context.now);
  return {
    ...common(pod, context, "Running", true),
    containerStatuses: pod.spec.containers.map((c) => container(pod, c, { running: { startedAt } }, true)),
  };
}

function succeeded(pod: corev1.Pod, context: PodContext): Draft<corev1.PodStatus> {
  const at = formatTime(context.now);
  const terminated = { exitCode: 0, reason: "Completed", startedAt: at, finishedAt: at };
  return {
    ...common(pod, context, "Succeeded", false),
    containerStatuses: pod.spec.containers.map((c) => container(pod, c, { terminated }, false)),
  };
}

function common(
  pod: corev1.Pod,
  context: PodContext,
  phase: "Running" | "Succeeded",
  ready: boolean,
): Draft<corev1.PodStatus> {
  const at = formatTime(context.now);
  const podIP = pod.spec.hostNetwork ? context.hostIP : (pod.status.podIP ?? context.podIP());
  const gatesOpen = (pod.spec.readinessGates ?? []).every((gate) =>
    (pod.status.conditions ?? []).some((c) => c.type === gate.conditionType && c.status === "True"),
  );
  const condition = (type: string, value: boolean, reason?: string): Draft<corev1.PodCondition> => ({
    type: type as corev1.PodCondition["type"],
    status: value ? "True" : "False",
    lastTransitionTime: at,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    ...(!value && reason !== undefined && { reason }),
  });
  const finished = "PodCompleted";
  return {
    phase,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    hostIP: context.hostIP,
    hostIPs: [{ ip: context.hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: pod.status.startTime ?? at,
    conditions: [
      condition("PodReadyToStartContainers", ready, finished),
      condition("Initialized", true),
      condition("Ready", ready && gatesOpen, ready ? "ReadinessGatesNotReady" : finished),
      condition("ContainersReady", ready, finished),
    ],
    ...((pod.spec.initContainers ?? []).length > 0 && { initContainerStatuses: initStatuses(pod, at) }),
  };
}

function initStatuses(pod: corev1.Pod, at: string): Draft<corev1.ContainerStatus>[] {
  return (pod.spec.initContainers ?? []).map((c) =>
    c.restartPolicy === "Always"
      ? container(pod, c, { running: { startedAt: at } }, true)
      : container(pod, c, { terminated: { exitCode: 0, reason: "Completed", startedAt: at, finishedAt: at } }, true),
  );
}

function container(
  pod: corev1.Pod,
  of: corev1.Container,
  state: Draft<corev1.ContainerState>,
  ready: boolean,
): Draft<corev1.ContainerStatus> {
  return {
    name: of.name,
    image: of.image ?? "",
    imageID: "",
    containerID: `simulated://${pod.metadata.uid}-${of.name}`,
    ready,
    started: ready,
    restartCount: 0,
    state,
    lastState: {},
  };
}
