import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { CodedError, errorText, isCoded } from "../../kit/index.ts";
import type { PodSandboxConfig, Sent } from "../../host/cri/index.ts";
import type { FoundImage } from "../images/image-manager.ts";
import { ImageError } from "../images/image-manager.ts";
import type { Objects } from "../objects/object-source.ts";
import type { Observation, ObservedContainer, ObservedSandbox } from "../observe/model.ts";
import { latest } from "../observe/model.ts";
import { podLogDir } from "../paths.ts";
import { containerConfig, sandboxConfig } from "../pod/configs.ts";
import { type Pod, type SpecContainer, podReference } from "../pod/containers.ts";
import { buildEnvironment } from "../pod/environment.ts";
import { verifyNonRoot } from "../pod/security.ts";
import { containerMounts } from "../volumes/container-mounts.ts";
import type { MountedVolume } from "../volumes/plugin.ts";
import { runHook } from "./hooks.ts";
import { killContainer } from "./kill.ts";
import { ensurePodCgroup } from "./pod-cgroup.ts";
import type { Services } from "./services.ts";

/** A container or sandbox that could not be started; `code` is the reason that statuses show. */
export class StartError extends CodedError {}

/** Makes a sandbox for the pod and looks at it. Rejects with what the runtime said. */
export async function startSandbox(
  pod: Pod,
  attempt: number,
  services: Services,
  signal: AbortSignal,
): Promise<{ readonly sandbox: ObservedSandbox; readonly config: Sent<PodSandboxConfig> }> {
  const config = sandboxConfigOf(pod, attempt, services);
  mkdirSync(config.logDirectory ?? "", { recursive: true, mode: 0o755 });
  const runtimeHandler = await services.runtimeHandler(pod);
  const { podSandboxId } = await services.runtime.runPodSandbox({ config, runtimeHandler }, { signal });
  services.owns(podSandboxId, pod.metadata.uid);
  const sandbox = await services.observer.sandbox(podSandboxId);
  if (!sandbox) throw new CodedError("NotFound", `pod sandbox "${podSandboxId}" went away`);
  return { sandbox, config };
}

export function sandboxConfigOf(pod: Pod, attempt: number, services: Services): Sent<PodSandboxConfig> {
  return sandboxConfig(pod, services.node.settings, {
    attempt,
    logDirectory: podLogDir(services.paths, pod),
    cgroupParent: ensurePodCgroup(pod, services),
  });
}

export interface StartRequest {
  readonly pod: Pod;
  readonly spec: SpecContainer;
  readonly sandboxId: string;
  readonly sandboxConfig: Sent<PodSandboxConfig>;
  readonly podIPs: readonly string[];
  readonly observation: Observation;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly objects: Objects;
  /** A look at the image that is under way already. */
  readonly image?: Promise<FoundImage | undefined>;
  readonly signal: AbortSignal;
  /** Called once the container runs and its postStart hook is done: until then it does not count as running. */
  readonly running: (container: ObservedContainer) => void;
}

/** Image, config, create, start, postStart hook, with upstream's events. Rejects with {@link StartError}. */
export async function startContainer(request: StartRequest, services: Services): Promise<void> {
  const { pod, spec, sandboxId, signal } = request;
  const emit = (type: "Normal" | "Warning", reason: string, message: string): void =>
    services.events.event(podReference(pod, spec), type, reason, message);
  const failed = (code: string, reason: string, cause: unknown): StartError => {
    signal.throwIfAborted();
    const text = errorText(cause);
    emit("Warning", reason, `Error: ${text}`);
    return new StartError(code, text, { cause });
  };

  const image = await services.images
    .ensure(pod, spec, request.sandboxConfig, request.image, signal)
    .catch((cause: unknown) => {
      signal.throwIfAborted();
      if (!(cause instanceof ImageError)) throw failed("ErrImagePull", "Failed", cause);
      emit("Warning", "Failed", `Error: ${cause.code}`);
      throw new StartError(cause.code, cause.message, { cause });
    });
  const config = await configOf(request, image, services).catch((cause: unknown) => {
    throw failed("CreateContainerConfigError", "Failed", cause);
  });
  const created = { podSandboxId: sandboxId, config, sandboxConfig: request.sandboxConfig };
  const { containerId } = await services.runtime.createContainer(created, { signal }).catch((cause: unknown) => {
    throw failed("CreateContainerError", "Failed", cause);
  });
  services.owns(containerId, pod.metadata.uid);
  emit("Normal", "Created", "Container created");
  try {
    await services.runtime.startContainer({ containerId }, { signal });
  } catch (cause) {
    const seen = await services.observer.container(containerId, sandboxId).catch(() => undefined);
    if (seen) request.running(seen);
    throw failed("RunContainerError", "Failed", cause);
  }
  emit("Normal", "Started", "Container started");
  const started = await services.observer.container(containerId, sandboxId);
  if (started) {
    linkLog(pod, started, services);
    await postStart(request, started, services);
    request.running(started);
  }
}

async function configOf(
  request: StartRequest,
  image: FoundImage,
  services: Services,
): Promise<ReturnType<typeof containerConfig>> {
  const { pod, spec, podIPs, observation } = request;
  const { container } = spec;
  const { node } = services;
  verifyNonRoot(pod, container, image.user);
  const services_ = await services.serviceEnvironment(pod);
  const environment = buildEnvironment(container, pod, {
    ...request.objects,
    services: services_,
    nodeName: node.name,
    hostIPs: node.hostIPs,
    podIPs: pod.spec.hostNetwork ? node.hostIPs : podIPs,
    allocatable: node.allocatable,
  });
  const mounts = await containerMounts(
    { pod, container, podIPs, volumes: request.volumes, environment },
    { ...services, clusterDomain: node.settings.clusterDomain },
  );
  const previous = latest(observation, container.name);
  const restartCount = previous ? previous.restartCount + 1 : nextLogNumber(pod, container.name, services);
  const target = spec.target === undefined ? undefined : latest(observation, spec.target);
  if (spec.target !== undefined && target?.state !== "running") {
    throw new CodedError("ContainerConfig", `unable to find target container ${spec.target}`);
  }
  return containerConfig(pod, spec, node.settings, {
    restartCount,
    imageRef: image.ref,
    environment,
    mounts,
    ...(target && { targetId: target.id }),
  });
}

/** One more than the last log that is there: a runtime that forgot its containers must not make logs begin again. */
function nextLogNumber(pod: Pod, name: string, services: Services): number {
  const dir = join(podLogDir(services.paths, pod), name);
  if (!existsSync(dir)) return 0;
  const numbers = readdirSync(dir).map((file) => Number(/^(\d+)\.log/.exec(file)?.[1] ?? -1));
  return Math.max(-1, ...numbers) + 1;
}

/** `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`, where log collectors look. */
function linkLog(pod: Pod, container: ObservedContainer, { paths, env }: Services): void {
  const { name, namespace } = pod.metadata;
  const link = join(paths.containerLogs, `${name}_${namespace}_${container.name}-${container.id}.log`);
  try {
    mkdirSync(paths.containerLogs, { recursive: true });
    symlinkSync(container.logPath, link);
  } catch (error) {
    env.log.debug("Log could not be linked", { link, error: errorText(error) });
  }
}

async function postStart(request: StartRequest, started: ObservedContainer, services: Services): Promise<void> {
  const { pod, spec, podIPs, signal } = request;
  const handler = spec.container.lifecycle?.postStart;
  if (!handler) return;
  const podIP = (pod.spec.hostNetwork ? services.node.hostIPs[0] : podIPs[0]) ?? "";
  try {
    await runHook(handler, { pod, spec, containerId: started.id, podIP }, services, signal);
  } catch (cause) {
    signal.throwIfAborted();
    services.env.log.warn("PostStart hook failed", { container: spec.container.name, error: errorText(cause) });
    services.events.event(podReference(pod, spec), "Warning", "FailedPostStartHook", "PostStartHook failed");
    await killContainer(pod, started, podIP, services, { message: "FailedPostStartHook" }).catch((error: unknown) => {
      if (!isCoded(error, "NotFound")) throw error;
    });
    throw new StartError("PostStartHookError", errorText(cause), { cause });
  }
}
