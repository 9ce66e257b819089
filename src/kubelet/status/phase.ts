import type { corev1 } from "../../api/index.ts";
import { type Pod, isSidecar, isStaticPod } from "../pod/containers.ts";
import { restartsAfterExit } from "../step/restart.ts";

export type Phase = NonNullable<corev1.PodStatus["phase"]>;
type Status = corev1.ContainerStatus;

interface Counts {
  /** Init containers that have not run yet, or sidecars not started. */
  pendingInit: number;
  pendingSidecars: number;
  /** Some init container failed and will not run again. */
  initFailed: boolean;
  unknown: number;
  running: number;
  waiting: number;
  stopped: number;
  stoppedForGood: number;
  succeeded: number;
}

/** The phase that a pod's container statuses amount to. `terminal`: nothing of it will run again, whatever its policy says. */
export function phaseOf(pod: Pod, statuses: readonly Status[], terminal: boolean, initializedBefore: boolean): Phase {
  const byName = new Map(statuses.map((s) => [s.name, s]));
  const n: Counts = {
    pendingInit: 0,
    pendingSidecars: 0,
    initFailed: false,
    unknown: 0,
    running: 0,
    waiting: 0,
    stopped: 0,
    stoppedForGood: 0,
    succeeded: 0,
  };
  for (const container of pod.spec.initContainers ?? []) {
    const status = byName.get(container.name);
    if (isSidecar(container)) countSidecar(n, status);
    else countInit(n, status, (code) => restartsAfterExit(container, pod.spec, code));
  }
  for (const container of pod.spec.containers) {
    countMain(n, byName.get(container.name), (code) => restartsAfterExit(container, pod.spec, code));
  }
  if (n.initFailed) return "Failed";
  if (n.pendingInit > 0 || (n.pendingSidecars > 0 && !initializedBefore) || n.waiting > 0) return "Pending";
  if (n.running > 0 && n.unknown === 0) return "Running";
  if (n.running === 0 && n.stopped > 0 && n.unknown === 0) {
    if (terminal && !isStaticPod(pod)) return n.stopped === n.succeeded ? "Succeeded" : "Failed";
    if (n.stopped !== n.stoppedForGood) return "Running";
    return n.stopped === n.succeeded ? "Succeeded" : "Failed";
  }
  return "Pending";
}

function countInit(n: Counts, status: Status | undefined, restarts: (exitCode: number) => boolean): void {
  const ended = status?.state.terminated ?? (status?.state.waiting ? status.lastState.terminated : undefined);
  if (!ended) n.pendingInit++;
  else if (ended.exitCode !== 0 && !restarts(ended.exitCode)) n.initFailed = true;
}

function countSidecar(n: Counts, status: Status | undefined): void {
  if (!status) n.unknown++;
  else if (status.state.running) {
    if (!status.started) n.pendingSidecars++;
    n.running++;
  } else if (status.state.waiting && !status.lastState.terminated) {
    n.pendingSidecars++;
    n.waiting++;
  }
}

function countMain(n: Counts, status: Status | undefined, restarts: (exitCode: number) => boolean): void {
  if (!status) {
    n.unknown++;
    return;
  }
  const { running, terminated, waiting } = status.state;
  if (running) n.running++;
  else if (terminated) {
    n.stopped++;
    if (!restarts(terminated.exitCode)) n.stoppedForGood++;
    if (terminated.exitCode === 0) n.succeeded++;
  } else if (waiting && status.lastState.terminated) {
    n.stopped++;
    if (!restarts(status.lastState.terminated.exitCode)) n.stoppedForGood++;
  } else if (waiting) n.waiting++;
  else n.unknown++;
}
