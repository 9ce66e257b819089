import { type Container, type Pod, containerHash, isHostNetwork } from "../pod/containers.ts";
import { type Observation, type ObservedContainer, type ObservedSandbox, latest } from "../observe/model.ts";
import { planInit } from "./init.ts";
import type { Kill, KillReason, Plan, ProbeResults } from "./types.ts";
import { shouldStart } from "./restart.ts";

export type { Kill, KillReason, Plan, ProbeResults } from "./types.ts";

/** What has to be done to bring a pod from what runs to what its spec says. Pure; doing it twice changes nothing more. */
export function planPod(pod: Pod, observation: Observation, probes: ProbeResults): Plan {
  const change = sandboxChange(pod, observation);
  const plan: Plan = {
    killPod: change.needed,
    createSandbox: change.needed,
    sandbox: change.sandbox,
    attempt: change.attempt,
    kill: [],
    ephemeralToStart: [],
    initToStart: [],
    toStart: [],
  };
  if (change.needed) return planFresh(pod, observation, plan);
  (pod.spec.ephemeralContainers ?? []).forEach((container, i) => {
    if (!latest(observation, container.name)) plan.ephemeralToStart.push(i);
  });
  const initialized = planInit(pod, observation, probes, plan);
  if (plan.killPod || !initialized) return plan;
  planMain(pod, observation, probes, plan);
  return plan;
}

export interface SandboxChange {
  readonly needed: boolean;
  readonly attempt: number;
  readonly sandbox: ObservedSandbox | undefined;
}

/** Whether the pod needs a new sandbox: it has none that is ready, several, one of the wrong network, or one without address. */
export function sandboxChange(pod: Pod, observation: Observation): SandboxChange {
  const [newest] = observation.sandboxes;
  if (!newest) return { needed: true, attempt: 0, sandbox: undefined };
  const several = observation.sandboxes.filter((s) => s.ready).length > 1;
  const wrongNetwork = newest.hostNetwork !== isHostNetwork(pod);
  const noAddress = !newest.hostNetwork && newest.ips.length === 0;
  const needed = several || !newest.ready || wrongNetwork || noAddress;
  return { needed, attempt: needed ? newest.attempt + 1 : newest.attempt, sandbox: newest };
}

/** With a new sandbox everything starts over, unless all is done. */
function planFresh(pod: Pod, observation: Observation, plan: Plan): Plan {
  const restarts = (pod.spec.restartPolicy ?? "Always") !== "Never";
  if (!restarts && plan.attempt !== 0 && observation.containers.length > 0) {
    plan.createSandbox = false;
    return plan;
  }
  const toStart: number[] = [];
  pod.spec.containers.forEach((container, i) => {
    const policy = container.restartPolicy ?? pod.spec.restartPolicy;
    const status = latest(observation, container.name);
    const succeeded = status?.state === "exited" && status.exitCode === 0;
    if (!(policy === "OnFailure" && succeeded)) toStart.push(i);
  });
  const everRan = pod.spec.containers.some((c) => {
    const status = latest(observation, c.name);
    return status !== undefined && status.state !== "unknown";
  });
  if (toStart.length === 0 && everRan) {
    plan.createSandbox = false;
    return plan;
  }
  if ((pod.spec.initContainers ?? []).length > 0) plan.initToStart = [0];
  else plan.toStart = toStart;
  return plan;
}

function planMain(pod: Pod, observation: Observation, probes: ProbeResults, plan: Plan): void {
  let kept = 0;
  pod.spec.containers.forEach((container, i) => {
    const status = latest(observation, container.name);
    if (status?.state !== "running") {
      if (!shouldStart(container, pod, observation)) return;
      plan.toStart.push(i);
      if (status?.state === "unknown") plan.kill.push(unknownState("Container", status));
      return;
    }
    const fault = faultOf(container, status, probes);
    if (!fault) {
      kept++;
      return;
    }
    const restart = fault.always || restartsAfterKill(container, pod);
    if (restart) plan.toStart.push(i);
    const message = restart ? `${fault.message}, will be restarted` : fault.message;
    plan.kill.push({ containerId: status.id, name: container.name, message, reason: fault.reason });
  });
  if (kept === 0 && plan.toStart.length === 0) {
    plan.killPod = true;
    // A sidecar must not keep alive a pod whose work is over.
    plan.initToStart = [];
  }
}

function restartsAfterKill(container: Container, pod: Pod): boolean {
  return (container.restartPolicy ?? pod.spec.restartPolicy ?? "Always") !== "Never";
}

interface Fault {
  readonly message: string;
  readonly reason: KillReason;
  /** Restarts whatever the policy says. */
  readonly always: boolean;
}

function faultOf(container: Container, status: ObservedContainer, probes: ProbeResults): Fault | undefined {
  const { name } = container;
  if (status.hash !== containerHash(container)) {
    return { message: `Container ${name} definition changed`, reason: "", always: true };
  }
  if (probes.liveness(status.id) === false) {
    return { message: `Container ${name} failed liveness probe`, reason: "LivenessProbe", always: false };
  }
  if (probes.startup(status.id) === false) {
    return { message: `Container ${name} failed startup probe`, reason: "StartupProbe", always: false };
  }
  return undefined;
}

/** A container of which nobody knows whether it runs is stopped before it is started again. */
export function unknownState(what: string, status: ObservedContainer): Kill {
  const message = `${what} is in "${status.state}" state, try killing it before restart`;
  return { containerId: status.id, name: status.name, message, reason: "Unknown" };
}
