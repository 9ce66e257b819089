import type { corev1 } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { type Pod, isHostNetwork, specContainers } from "../pod/containers.ts";
import { qosClassOf } from "../pod/resources.ts";
import { type Observation, podAddresses } from "../observe/model.ts";
import { KUBELET_CONDITIONS, kubeletConditions, withTimes } from "./conditions.ts";
import { type ContainerStatusInput, type ProbeView, type StartFailure, containerStatuses } from "./container-status.ts";
import { phaseOf } from "./phase.ts";

type PodStatus = corev1.PodStatus;

export interface PodStatusInput {
  readonly pod: Pod;
  readonly observation: Observation;
  /** As last published by us; else the API's. */
  readonly previous: PodStatus;
  readonly failures: ReadonlyMap<string, StartFailure>;
  readonly probes: ProbeView;
  readonly runtimeName: string;
  readonly hostIPs: readonly string[];
  /** Nothing of the pod will run again. */
  readonly terminal: boolean;
  /** Why the kubelet itself ended the pod. */
  readonly verdict?: { readonly reason: string; readonly message: string };
  readonly now: number;
}

/** The status of a pod as the API has it, whole. Pure. */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, observation, previous, verdict } = input;
  const specs = specContainers(pod);
  const list = (kind: string, old: readonly corev1.ContainerStatus[] | undefined): corev1.ContainerStatus[] => {
    const own: ContainerStatusInput = { ...input, previous: old ?? [] };
    return containerStatuses(
      specs.filter((s) => s.kind === kind),
      own,
    );
  };
  const initStatuses = list("init", previous.initContainerStatuses);
  const mainStatuses = list("main", previous.containerStatuses);
  const ephemeral = list("ephemeral", previous.ephemeralContainerStatuses);
  const phase = verdict ? "Failed" : settledPhase(input, [...mainStatuses, ...initStatuses]);
  const now = formatTime(input.now);
  const others = (pod.status.conditions ?? []).filter((c) => !KUBELET_CONDITIONS.has(c.type));
  const conditions = kubeletConditions({ pod, observation, phase, initStatuses, mainStatuses, others });
  const { reason, message } = words(input, phase);
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: [...others, ...withTimes(conditions, previous.conditions ?? [], now)],
    ...(message && { message }),
    ...(reason && { reason }),
    ...(pod.status.nominatedNodeName && { nominatedNodeName: pod.status.nominatedNodeName }),
    ...addresses(input),
    startTime: previous.startTime ?? now,
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses }),
    containerStatuses: mainStatuses,
    qosClass: pod.status.qosClass ?? qosClassOf(pod),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    ...(pod.status.resourceClaimStatuses && { resourceClaimStatuses: pod.status.resourceClaimStatuses }),
  };
}

/** A phase at the end of a pod's life is never left again. */
function settledPhase(
  input: PodStatusInput,
  statuses: readonly corev1.ContainerStatus[],
): NonNullable<PodStatus["phase"]> {
  const { pod, previous } = input;
  for (const { phase } of [pod.status, previous]) if (phase === "Failed" || phase === "Succeeded") return phase;
  const mainStarted = pod.spec.containers.some((c) =>
    input.observation.containers.some((o) => o.name === c.name && o.state !== "created"),
  );
  return phaseOf(pod, statuses, input.terminal, mainStarted);
}

/** Reason and message stay with the phase they were given for. */
function words({ pod, previous, verdict }: PodStatusInput, phase: string): { reason?: string; message?: string } {
  if (verdict) return verdict;
  if (phase !== previous.phase) return {};
  const reason = previous.reason || pod.status.reason;
  const message = previous.message || pod.status.message;
  return { ...(reason && { reason }), ...(message && { message }) };
}

function addresses({ pod, observation, previous, hostIPs }: PodStatusInput): Partial<PodStatus> {
  const own = isHostNetwork(pod) ? hostIPs : podAddresses(observation);
  // A pod that lost its sandbox keeps the address it had until it has another.
  const ips = own.length > 0 ? own.map((ip) => ({ ip })) : previous.podIPs;
  const [first] = ips ?? [];
  return {
    ...(hostIPs[0] !== undefined && { hostIP: hostIPs[0], hostIPs: hostIPs.map((ip) => ({ ip })) }),
    ...(first && ips && { podIP: first.ip, podIPs: ips }),
  };
}

export type { ProbeView, StartFailure };
