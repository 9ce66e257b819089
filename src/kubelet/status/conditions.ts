import type { corev1 } from "../../api/index.ts";
import { type Pod, isSidecar } from "../pod/containers.ts";
import type { Observation } from "../observe/model.ts";
import { sandboxChange } from "../step/plan.ts";
import type { Phase } from "./phase.ts";

type Condition = corev1.PodCondition;
type Status = corev1.ContainerStatus;

/** Condition types that are the kubelet's to write. */
export const KUBELET_CONDITIONS: ReadonlySet<string> = new Set([
  "PodScheduled",
  "PodReadyToStartContainers",
  "Initialized",
  "ContainersReady",
  "Ready",
]);

export interface ConditionInput {
  readonly pod: Pod;
  readonly observation: Observation;
  readonly phase: Phase;
  readonly initStatuses: readonly Status[];
  readonly mainStatuses: readonly Status[];
  /** What others wrote; readiness gates are looked up here. */
  readonly others: readonly Condition[];
}

/** The kubelet's conditions of a pod, without times. */
export function kubeletConditions(input: ConditionInput): Condition[] {
  const { pod, observation } = input;
  const containersReady = containersReadyCondition(input);
  const conditions: Condition[] = [
    { type: "PodReadyToStartContainers", status: sandboxChange(pod, observation).needed ? "False" : "True" },
    initializedCondition(input),
    readyCondition(input, containersReady),
    containersReady,
    { type: "PodScheduled", status: "True" },
  ];
  const { generation } = pod.metadata;
  return generation === undefined ? conditions : conditions.map((c) => ({ ...c, observedGeneration: generation }));
}

/** `[a b]`, as Go prints a list. */
function listText(names: readonly string[]): string {
  return `[${names.join(" ")}]`;
}

function initializedCondition({ pod, phase, initStatuses, mainStatuses }: ConditionInput): Condition {
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const container of pod.spec.initContainers ?? []) {
    const status = initStatuses.find((s) => s.name === container.name);
    if (!status) unknown.push(container.name);
    else if (!(isSidecar(container) ? status.started : status.ready)) incomplete.push(container.name);
  }
  if (phase === "Succeeded" && unknown.length === 0) {
    return { type: "Initialized", status: "True", reason: "PodCompleted" };
  }
  const started = mainStatuses.some((s) => s.state.running ?? s.state.terminated ?? s.lastState.terminated);
  if (started || (unknown.length === 0 && incomplete.length === 0)) return { type: "Initialized", status: "True" };
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${listText(unknown)}`] : []),
    ...(incomplete.length > 0 ? [`containers with incomplete status: ${listText(incomplete)}`] : []),
  ];
  return { type: "Initialized", status: "False", reason: "ContainersNotInitialized", message: messages.join(", ") };
}

function containersReadyCondition({ pod, phase, initStatuses, mainStatuses }: ConditionInput): Condition {
  const type = "ContainersReady";
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  const unknown: string[] = [];
  const unready: string[] = [];
  const containers = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers];
  for (const { name } of containers) {
    const status = [...initStatuses, ...mainStatuses].find((s) => s.name === name);
    if (!status) unknown.push(name);
    else if (!status.ready) unready.push(name);
  }
  if (phase === "Succeeded" && unknown.length === 0) return { type, status: "False", reason: "PodCompleted" };
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${listText(unknown)}`] : []),
    ...(unready.length > 0 ? [`containers with unready status: ${listText(unready)}`] : []),
  ];
  if (messages.length === 0) return { type, status: "True" };
  return { type, status: "False", reason: "ContainersNotReady", message: messages.join(", ") };
}

function readyCondition({ pod, others }: ConditionInput, containersReady: Condition): Condition {
  if (containersReady.status !== "True") return { ...containersReady, type: "Ready" };
  const messages: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const condition = others.find((c) => c.type === conditionType);
    if (!condition) {
      messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    } else if (condition.status !== "True") {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
    }
  }
  if (messages.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}

/** Gives conditions their times: one that says what it said before keeps its time of change. */
export function withTimes(conditions: readonly Condition[], previous: readonly Condition[], now: string): Condition[] {
  return conditions.map((c) => {
    const old = previous.find((p) => p.type === c.type);
    const lastTransitionTime = old?.status === c.status ? (old.lastTransitionTime ?? now) : now;
    return { ...c, lastTransitionTime };
  });
}
