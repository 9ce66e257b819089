import type { corev1 } from "../../api/index.ts";
import { type Pod, isSidecar, isStaticPod } from "../pod/containers.ts";

type Status = corev1.ContainerStatus;

const UNKNOWN_END = {
  reason: "ContainerStatusUnknown",
  message: "The container could not be located when the pod was terminated",
  exitCode: 137,
};

/**
 * The last status of a pod of which nothing runs any more: containers that began and whose end nobody saw count as failed, and
 * so does a pod that has not come to an end by itself.
 */
export function terminatedStatus(pod: Pod, status: corev1.PodStatus): corev1.PodStatus {
  const init = status.initContainerStatuses ?? [];
  const main = status.containerStatuses ?? [];
  const began = init.findLastIndex((s) => s.state.waiting === undefined || s.lastState.terminated !== undefined);
  const failedInit = init.map((s, i) => (i <= Math.max(began, 0) ? ended(s) : s));
  const initialized = hasInitialized(pod, init, main);
  const { phase } = status;
  const settled = phase === "Succeeded" || phase === "Failed" || isStaticPod(pod);
  return {
    ...status,
    ...(init.length > 0 && { initContainerStatuses: failedInit }),
    containerStatuses: initialized ? main.map(ended) : main,
    ...(!settled && { phase: "Failed" as const }),
  };
}

function ended(status: Status): Status {
  if (status.state.terminated) return status;
  return { ...status, ready: false, started: false, state: { terminated: UNKNOWN_END } };
}

function hasInitialized(pod: Pod, init: readonly Status[], main: readonly Status[]): boolean {
  const last = pod.spec.initContainers?.at(-1);
  if (!last) return true;
  if (main.some((s) => s.lastState.terminated !== undefined || s.state.waiting === undefined)) return true;
  const status = init.find((s) => s.name === last.name);
  if (!status) return false;
  if (isSidecar(last)) return status.started === true;
  return [status.state, status.lastState].some((s) => s.terminated?.exitCode === 0);
}
