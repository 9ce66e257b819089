import type { corev1, metav1 } from "../../../api/index.ts";
import { tryParseTime } from "../../../machinery/index.ts";
import { age, type Cells, humanDuration, orNone } from "./words.ts";

/** What the kubelet's view of a pod comes down to in one word, and the numbers beside it. */
interface PodSummary {
  reason: string;
  restarts: number;
  /** When the last restart was, ms; 0: never. */
  lastRestart: number;
  ready: number;
}

/** `pods`. */
export const podCells: Cells<corev1.Pod> = (pod, now) => {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).length;
  const summary = summarize(pod);
  const restarts =
    summary.restarts !== 0 && summary.lastRestart > 0
      ? `${summary.restarts} (${humanDuration(now - summary.lastRestart)} ago)`
      : String(summary.restarts);
  return [
    pod.metadata.name,
    `${summary.ready}/${pod.spec.containers.length + sidecars}`,
    summary.reason,
    restarts,
    age(pod, now),
    orNone(pod.status.podIPs?.[0]?.ip),
    orNone(pod.spec.nodeName),
    orNone(pod.status.nominatedNodeName),
    readinessGates(pod),
  ];
};

/** Marks rows of pods that are over. */
export function podConditions(pod: corev1.Pod): metav1.TableRowCondition[] | undefined {
  const { phase } = pod.status;
  if (phase !== "Succeeded" && phase !== "Failed") return undefined;
  const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return [{ type: "Completed", status: "True", reason: phase, message }];
}

function summarize(pod: corev1.Pod): PodSummary {
  const { status } = pod;
  const gated = status.conditions?.some((c) => c.type === "PodScheduled" && c.reason === "SchedulingGated");
  const reason = gated ? "SchedulingGated" : status.reason || status.phase || "";
  const summary: PodSummary = { reason, restarts: 0, lastRestart: 0, ready: 0 };
  const sidecars: PodSummary = { ...summary };
  const initializing = summarizeInit(pod, summary, sidecars);
  if (!initializing || conditionOf(pod, "Initialized") === "True") {
    summary.restarts = sidecars.restarts;
    summary.lastRestart = sidecars.lastRestart;
    summarizeContainers(pod, summary);
  }
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") summary.reason = "Unknown";
    else if (status.phase !== "Succeeded" && status.phase !== "Failed") summary.reason = "Terminating";
  }
  return summary;
}

/** Whether an init container is still in the way; its state is the reason then. */
function summarizeInit(pod: corev1.Pod, summary: PodSummary, sidecars: PodSummary): boolean {
  const specs = new Map((pod.spec.initContainers ?? []).map((c) => [c.name, c]));
  for (const [index, container] of (pod.status.initContainerStatuses ?? []).entries()) {
    const spec = specs.get(container.name);
    const sidecar = spec !== undefined && isSidecar(spec);
    countRestarts(summary, container);
    if (sidecar) countRestarts(sidecars, container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready) summary.ready++;
      continue;
    }
    if (terminated) summary.reason = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${index}/${specs.size}`;
    return true;
  }
  return false;
}

function summarizeContainers(pod: corev1.Pod, summary: PodSummary): void {
  let running = false;
  let failed = "";
  for (const container of (pod.status.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, container);
    const { terminated, waiting, running: runs } = container.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated) {
      summary.reason = terminated.reason || exitText(terminated);
      if (terminated.exitCode !== 0) failed = summary.reason;
    } else if (container.ready && runs) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason !== "Completed") return;
  // One container is done, but the pod is not.
  if (running && conditionOf(pod, "Ready") === "True") summary.reason = "Running";
  else if (failed !== "") summary.reason = failed;
  else if (running) summary.reason = "NotReady";
}

function countRestarts(summary: PodSummary, container: corev1.ContainerStatus): void {
  summary.restarts += container.restartCount;
  const finished = tryParseTime(container.lastState?.terminated?.finishedAt) ?? 0;
  if (finished > summary.lastRestart) summary.lastRestart = finished;
}

function exitText({ signal, exitCode }: corev1.ContainerStateTerminated): string {
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

function isSidecar(container: corev1.Container): boolean {
  return container.restartPolicy === "Always";
}

function conditionOf(pod: corev1.Pod, type: string): string | undefined {
  return pod.status.conditions?.find((c) => c.type === type)?.status;
}

function readinessGates(pod: corev1.Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  return `${gates.filter((gate) => conditionOf(pod, gate.conditionType) === "True").length}/${gates.length}`;
}
