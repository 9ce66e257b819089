import type * as cri from "../../host/cri/index.ts";
import { ANNOTATION, LABEL } from "../pod/labels.ts";

export type ContainerPhase = "created" | "running" | "exited" | "unknown";

/** A container as the runtime has it. Times are milliseconds since the epoch; 0: not yet. */
export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly state: ContainerPhase;
  readonly restartCount: number;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** As the pod named it, and what the runtime made of it. */
  readonly image: string;
  readonly imageRef: string;
  readonly hash: string;
  readonly logPath: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly user: cri.LinuxContainerUser | undefined;
  readonly resources: cri.LinuxContainerResources | undefined;
}

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAt: number;
  readonly hostNetwork: boolean;
  /** Empty on the host's network, or when there is none. */
  readonly ips: readonly string[];
}

/** All that runs, or ran, of one pod; newest first. */
export interface Observation {
  readonly sandboxes: readonly ObservedSandbox[];
  readonly containers: readonly ObservedContainer[];
}

export const NOTHING: Observation = { sandboxes: [], containers: [] };

/** Who a pod is, as its sandbox' labels tell. */
export interface PodIdentity {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
}

export function identityOf(labels: Readonly<Record<string, string>>): PodIdentity | undefined {
  const { [LABEL.podUid]: uid, [LABEL.podName]: name, [LABEL.podNamespace]: namespace } = labels;
  return uid && name && namespace ? { uid, name, namespace } : undefined;
}

/** The newest container of that name. */
export function latest(observation: Observation, name: string): ObservedContainer | undefined {
  return observation.containers.find((c) => c.name === name);
}

/** The addresses of the newest sandbox that is ready. */
export function podAddresses(observation: Observation): readonly string[] {
  return observation.sandboxes.find((s) => s.ready)?.ips ?? [];
}

const PHASES: Readonly<Record<cri.ContainerState, ContainerPhase>> = {
  CONTAINER_CREATED: "created",
  CONTAINER_RUNNING: "running",
  CONTAINER_EXITED: "exited",
  CONTAINER_UNKNOWN: "unknown",
};

const NS = 1e6;

export function observedContainer(status: cri.ContainerStatus, sandboxId: string): ObservedContainer {
  const { annotations } = status;
  return {
    id: status.id,
    name: status.labels[LABEL.containerName] ?? status.metadata?.name ?? "",
    sandboxId,
    state: PHASES[status.state],
    restartCount: Number(annotations[ANNOTATION.restartCount] ?? status.metadata?.attempt ?? 0),
    createdAt: status.createdAt / NS,
    startedAt: status.startedAt / NS,
    finishedAt: status.finishedAt / NS,
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image?.userSpecifiedImage || status.image?.image || "",
    imageRef: status.imageRef || status.imageId,
    hash: annotations[ANNOTATION.hash] ?? "",
    logPath: status.logPath,
    annotations,
    user: status.user?.linux,
    resources: status.resources?.linux,
  };
}

export function observedSandbox(status: cri.PodSandboxStatus): ObservedSandbox {
  const hostNetwork = status.linux?.namespaces?.options?.network === "NODE";
  const all = [status.network?.ip ?? "", ...(status.network?.additionalIps ?? []).map((a) => a.ip)];
  return {
    id: status.id,
    attempt: status.metadata?.attempt ?? 0,
    ready: status.state === "SANDBOX_READY",
    createdAt: status.createdAt / NS,
    hostNetwork,
    ips: hostNetwork ? [] : all.filter((ip) => ip !== ""),
  };
}

export function newestFirst<T extends { readonly createdAt: number }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => b.createdAt - a.createdAt);
}

/** With a sandbox added or put in place of its older self. */
export function withSandbox(observation: Observation, sandbox: ObservedSandbox): Observation {
  const others = observation.sandboxes.filter((s) => s.id !== sandbox.id);
  return { ...observation, sandboxes: newestFirst([sandbox, ...others]) };
}

/** With a container added or put in place of its older self. */
export function withContainer(observation: Observation, container: ObservedContainer): Observation {
  const others = observation.containers.filter((c) => c.id !== container.id);
  return { ...observation, containers: newestFirst([container, ...others]) };
}

export function withoutContainer(observation: Observation, id: string): Observation {
  return { ...observation, containers: observation.containers.filter((c) => c.id !== id) };
}
