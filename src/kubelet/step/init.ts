import { type Container, type Pod, containerHash, isSidecar } from "../pod/containers.ts";
import { type Observation, type ObservedContainer, latest } from "../observe/model.ts";
import type { KillReason, Plan, ProbeResults } from "./types.ts";
import { restartsAfterExit } from "./restart.ts";

interface InitState {
  readonly pod: Pod;
  readonly observation: Observation;
  readonly probes: ProbeResults;
  readonly plan: Plan;
  /** The main containers may run. */
  initialized: boolean;
}

/**
 * Adds to the plan what the init containers need, and says whether the main ones may run. Looks from the last one back:
 * finished init containers may have been removed, so only the newest that is known tells how far it got.
 */
export function planInit(pod: Pod, observation: Observation, probes: ProbeResults, plan: Plan): boolean {
  const containers = pod.spec.initContainers ?? [];
  if (containers.length === 0) return true;
  const mainStarted = pod.spec.containers.some((c) => {
    const state = latest(observation, c.name)?.state;
    return state === "created" || state === "running";
  });
  const s: InitState = { pod, observation, probes, plan, initialized: mainStarted };
  let reached = mainStarted;
  for (let i = containers.length - 1; i >= 0; i--) {
    const container = containers[i];
    if (!container) continue;
    const status = latest(observation, container.name);
    if (!status) {
      if (reached && isSidecar(container)) plan.initToStart.push(i);
      continue;
    }
    if (reached && !isSidecar(container)) continue;
    const last = i === containers.length - 1;
    const going = isSidecar(container)
      ? planSidecar(s, container, status, i, last, reached)
      : planRunOnce(s, container, status, i, last);
    if (!going) return false;
    reached = true;
  }
  if (!reached) plan.initToStart.push(0);
  plan.initToStart.reverse();
  return s.initialized;
}

/** False: initialization failed for good. */
function planRunOnce(s: InitState, container: Container, status: ObservedContainer, i: number, last: boolean): boolean {
  switch (status.state) {
    case "running":
      return true;
    case "created":
      s.plan.initToStart.push(i);
      return true;
    case "exited":
      if (status.exitCode === 0) {
        if (last) s.initialized = true;
        else s.plan.initToStart.push(i + 1);
        return true;
      }
      return restartOrFail(s, restartsAfterExit(container, s.pod.spec, status.exitCode), i);
    default: {
      const policy = container.restartPolicy ?? s.pod.spec.restartPolicy ?? "Always";
      const going = restartOrFail(s, policy !== "Never", i);
      if (going) s.plan.kill.push(killOf(status, unknownText(status), "Unknown"));
      return going;
    }
  }
}

function restartOrFail(s: InitState, restarts: boolean, i: number): boolean {
  if (restarts) {
    s.plan.initToStart.push(i);
    return true;
  }
  s.plan.killPod = true;
  s.plan.initToStart = [];
  return false;
}

function planSidecar(
  s: InitState,
  container: Container,
  status: ObservedContainer,
  i: number,
  last: boolean,
  reached: boolean,
): boolean {
  const { plan } = s;
  const restart = (message: string, reason: KillReason): void => {
    plan.kill.push(killOf(status, message, reason));
    plan.initToStart.push(i);
  };
  if (status.state === "unknown") restart(unknownText(status), "Unknown");
  else if (status.state !== "running") plan.initToStart.push(i);
  else {
    if (container.startupProbe) {
      const started = s.probes.startup(status.id);
      if (started === false) restart(`Init container ${container.name} failed startup probe`, "StartupProbe");
      if (started !== true) return true;
    }
    if (last) s.initialized = true;
    else if (!reached) plan.initToStart.push(i + 1);
    if (status.hash !== containerHash(container)) restart(`Init container ${container.name} definition changed`, "");
    else if (container.livenessProbe && s.probes.liveness(status.id) === false) {
      restart(`Init container ${container.name} failed liveness probe`, "LivenessProbe");
    }
  }
  return true;
}

function unknownText(status: ObservedContainer): string {
  return `Init container is in "${status.state}" state, try killing it before restart`;
}

function killOf(status: ObservedContainer, message: string, reason: KillReason): Plan["kill"][number] {
  return { containerId: status.id, name: status.name, message, reason };
}
