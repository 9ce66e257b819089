import type { corev1 } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { type Container, type Pod, type SpecContainer, isSidecar } from "../pod/containers.ts";
import { type Observation, type ObservedContainer, latest } from "../observe/model.ts";
import { shouldStart } from "../step/restart.ts";

type Status = corev1.ContainerStatus;

/** Why a container could not be started when it was last tried. */
export interface StartFailure {
  readonly reason: string;
  readonly message: string;
}

/** What the probes know of a running container; undefined: nothing yet. */
export interface ProbeView {
  startup(containerId: string): boolean | undefined;
  readiness(containerId: string): boolean | undefined;
}

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly observation: Observation;
  /** As last published. */
  readonly previous: readonly Status[];
  readonly failures: ReadonlyMap<string, StartFailure>;
  readonly probes: ProbeView;
  /** `containerd`, ...: the scheme of container ids. */
  readonly runtimeName: string;
}

/** The statuses of the given containers of the spec, in its order. */
export function containerStatuses(specs: readonly SpecContainer[], input: ContainerStatusInput): Status[] {
  return specs.map((spec) => containerStatus(spec, input));
}

function containerStatus(spec: SpecContainer, input: ContainerStatusInput): Status {
  const { container } = spec;
  const old = input.previous.find((s) => s.name === container.name);
  const [current, before] = input.observation.containers.filter((c) => c.name === container.name);
  let status = current ? fromRuntime(current, before, container, old, input) : unseen(spec, old, input.pod);
  status = withFailure(status, spec, input);
  return withReadiness(status, spec, current, input.probes);
}

/** A container of which the runtime knows nothing: it was not started yet, or its remains are gone. */
function unseen({ container, kind }: SpecContainer, old: Status | undefined, pod: Pod): Status {
  if (old?.state.terminated) return old;
  const hasInit = kind === "main" && (pod.spec.initContainers ?? []).length > 0;
  const waiting = { reason: hasInit || kind === "init" ? "PodInitializing" : "ContainerCreating" };
  const status: Status = {
    name: container.name,
    state: { waiting },
    lastState: old?.lastState ?? {},
    ready: false,
    restartCount: old?.restartCount ?? 0,
    image: container.image ?? "",
    imageID: "",
    ...mounts(container),
  };
  if (!old?.state.running || status.lastState.terminated) return status;
  // It ran when last heard of: say that it ended, so that the pod does not look as if it had never started.
  const terminated = {
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was deleted.  The container used to be Running",
    exitCode: 137,
  };
  const restartCount = status.restartCount + (pod.metadata.deletionTimestamp ? 0 : 1);
  return { ...status, lastState: { terminated }, restartCount };
}

function fromRuntime(
  current: ObservedContainer,
  before: ObservedContainer | undefined,
  container: Container,
  old: Status | undefined,
  input: ContainerStatusInput,
): Status {
  const { runtimeName } = input;
  const last = before
    ? stateOf(before, runtimeName)
    : old?.containerID === idOf(current, runtimeName)
      ? old.lastState
      : undefined;
  const { requests } = container.resources ?? {};
  return {
    name: current.name,
    state: stateOf(current, runtimeName),
    lastState: last ?? old?.lastState ?? {},
    ready: false,
    restartCount: current.restartCount,
    image: current.image,
    imageID: current.imageRef,
    containerID: idOf(current, runtimeName),
    ...(requests && { allocatedResources: requests }),
    resources: container.resources ?? {},
    ...(old?.volumeMounts ? { volumeMounts: old.volumeMounts } : mounts(container)),
    ...(current.user && {
      user: {
        linux: {
          uid: current.user.uid,
          gid: current.user.gid,
          supplementalGroups: [...current.user.supplementalGroups],
        },
      },
    }),
  };
}

function idOf(container: ObservedContainer, runtimeName: string): string {
  return `${runtimeName}://${container.id}`;
}

function stateOf(c: ObservedContainer, runtimeName: string): corev1.ContainerState {
  if (c.state === "running") return { running: { startedAt: formatTime(c.startedAt) } };
  if (c.state !== "exited") return { waiting: {} };
  return {
    terminated: {
      exitCode: c.exitCode,
      ...(c.reason !== "" && { reason: c.reason }),
      ...(c.message !== "" && { message: c.message }),
      ...(c.startedAt > 0 && { startedAt: formatTime(c.startedAt) }),
      ...(c.finishedAt > 0 && { finishedAt: formatTime(c.finishedAt) }),
      containerID: idOf(c, runtimeName),
    },
  };
}

function mounts(container: Container): Pick<Status, "volumeMounts"> {
  const list = (container.volumeMounts ?? []).map((m) => ({
    name: m.name,
    mountPath: m.mountPath,
    ...(m.readOnly && { readOnly: true, recursiveReadOnly: "Disabled" }),
  }));
  return list.length > 0 ? { volumeMounts: list } : {};
}

/** One that is to be started and could not be is waiting, for the reason it failed. */
function withFailure(status: Status, { container, kind }: SpecContainer, input: ContainerStatusInput): Status {
  const failure = input.failures.get(container.name);
  if (!failure) return status;
  const current = latest(input.observation, container.name);
  if (kind === "init" && current?.state === "exited" && current.exitCode === 0) return status;
  if (!shouldStart(container, input.pod, input.observation)) return status;
  const lastState = status.state.terminated ? status.state : status.lastState;
  const waiting = { reason: failure.reason, ...(failure.message !== "" && { message: failure.message }) };
  return { ...status, state: { waiting }, lastState };
}

function withReadiness(
  status: Status,
  { container, kind }: SpecContainer,
  current: ObservedContainer | undefined,
  probes: ProbeView,
): Status {
  const runs = status.state.running !== undefined && current !== undefined;
  const started = runs && (container.startupProbe === undefined || probes.startup(current.id) === true);
  if (kind === "init" && !isSidecar(container)) {
    return { ...status, started, ready: status.state.terminated?.exitCode === 0 };
  }
  if (kind === "ephemeral") return { ...status, ready: false };
  const ready = started && (container.readinessProbe === undefined || probes.readiness(current?.id ?? "") === true);
  return { ...status, started, ready };
}
