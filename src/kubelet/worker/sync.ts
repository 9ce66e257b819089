import { errorText } from "../../kit/index.ts";
import type { PodSandboxConfig, Sent } from "../../host/cri/index.ts";
import type { FoundImage } from "../images/image-manager.ts";
import type { Objects } from "../objects/object-source.ts";
import { podReferences } from "../objects/references.ts";
import {
  type Observation,
  type ObservedSandbox,
  latest,
  podAddresses,
  withContainer,
  withSandbox,
} from "../observe/model.ts";
import {
  type Pod,
  type SpecContainer,
  containerHash,
  isSidecar,
  podReference,
  podText,
  specContainers,
} from "../pod/containers.ts";
import type { KeyedBackoff } from "../step/backoff.ts";
import { type Plan, planPod } from "../step/plan.ts";
import type { StartFailure } from "../status/container-status.ts";
import type { PayloadSources } from "../volumes/payload.ts";
import type { MountedVolume } from "../volumes/plugin.ts";
import { VolumeErrors } from "../volumes/volume-manager.ts";
import { removeInitContainers } from "./garbage.ts";
import { killContainer, killPod } from "./kill.ts";
import type { Services } from "./services.ts";
import { StartError, sandboxConfigOf, startContainer, startSandbox } from "./start.ts";

/** What a worker remembers from step to step. */
export interface SyncState {
  readonly failures: Map<string, StartFailure>;
  /** Of containers that keep ending, by `UID_NAME_HASH`. */
  readonly backoff: KeyedBackoff;
}

export interface SyncRequest {
  readonly pod: Pod;
  readonly observation: Observation;
  readonly state: SyncState;
  readonly volumesStale: boolean;
  readonly signal: AbortSignal;
  /** Told as soon as something is there that a status should show; `urgent`: that others wait for. */
  readonly observed: (observation: Observation, urgent: boolean) => void;
}

export interface SyncResult {
  readonly observation: Observation;
  /** All the work of the pod is done; nothing is to be started any more. */
  readonly finished: boolean;
  /** When to look again even if nothing happens. */
  readonly wakeAt: number | undefined;
  /** The status has news that others wait for. */
  readonly urgent: boolean;
  /** What was done allows more to be done at once. */
  readonly again: boolean;
  /** Volumes could not be brought up to date. */
  readonly volumesStale: boolean;
}

/** Until a failure that nothing announces is tried again, ms. */
const RETRY_MS = 10_000;
const SOON_MS = 1000;

/** One step of a pod that is to run. Rejects when the runtime failed in a way that a later step has to repair. */
export async function syncPod(request: SyncRequest, services: Services): Promise<SyncResult> {
  const step = new Step(request, services);
  return step.run();
}

class Step {
  readonly #r: SyncRequest;
  readonly #s: Services;
  readonly #pod: Pod;
  #observation: Observation;
  #wakeAt: number | undefined;
  #urgent = false;
  #again = false;
  #volumesStale = false;

  constructor(request: SyncRequest, services: Services) {
    this.#r = request;
    this.#s = services;
    this.#pod = request.pod;
    this.#observation = request.observation;
  }

  async run(): Promise<SyncResult> {
    const plan = planPod(this.#pod, this.#observation, this.#s.probes);
    if (plan.killPod && !plan.createSandbox) return this.#result(true);
    const starts = this.#toStart(plan);
    const images = this.#peek(starts);
    const volumes = await this.#volumes();
    if (!volumes) return this.#result(false);
    if (!plan.createSandbox && starts.length === 0 && plan.kill.length === 0) return this.#result(false);
    const sandbox = await this.#sandbox(plan);
    if (!sandbox) return this.#result(false);
    await this.#kill(plan);
    const objects = await this.#s.objects.read(podReferences(this.#pod));
    await this.#start(starts, { ...sandbox, volumes, objects, images });
    return this.#result(false);
  }

  #result(finished: boolean): SyncResult {
    return {
      observation: this.#observation,
      finished,
      wakeAt: this.#wakeAt,
      urgent: this.#urgent,
      again: this.#again,
      volumesStale: this.#volumesStale,
    };
  }

  #wake(at: number): void {
    this.#wakeAt = Math.min(at, this.#wakeAt ?? Infinity);
  }

  #now(): number {
    return this.#s.env.clock.now();
  }

  #toStart(plan: Plan): SpecContainer[] {
    const lists = { ephemeral: plan.ephemeralToStart, init: plan.initToStart, main: plan.toStart };
    const all = specContainers(this.#pod);
    const pick = (kind: keyof typeof lists): SpecContainer[] =>
      [...new Set(lists[kind])].flatMap((index) => all.find((c) => c.kind === kind && c.index === index) ?? []);
    return [...pick("ephemeral"), ...pick("init"), ...pick("main")];
  }

  /** Looks for the images while volumes and sandbox are made. */
  #peek(starts: readonly SpecContainer[]): Map<string, Promise<FoundImage | undefined>> {
    const images = new Map<string, Promise<FoundImage | undefined>>();
    for (const { container } of starts) {
      const name = container.image ?? "";
      if (container.imagePullPolicy === "Always" || images.has(name) || name === "") continue;
      const found = this.#s.images.peek(name);
      found.catch(() => undefined);
      images.set(name, found);
    }
    return images;
  }

  async #volumes(): Promise<ReadonlyMap<string, MountedVolume> | undefined> {
    const mounted = this.#s.volumes.mounted(this.#pod.metadata.uid);
    const due = this.#s.tokens.nextRefresh(this.#pod.metadata.uid) ?? Infinity;
    if (mounted && !this.#r.volumesStale && due > this.#now()) return mounted;
    try {
      const sources = await this.#sources();
      if (!mounted) return await this.#s.volumes.setUp(this.#pod, sources);
      if (!(await this.#s.volumes.refresh(this.#pod, sources))) this.#refreshLater();
      return mounted;
    } catch (error) {
      if (mounted) {
        this.#refreshLater();
        return mounted;
      }
      this.#r.signal.throwIfAborted();
      const errors = error instanceof VolumeErrors ? error.errors : [error];
      for (const one of errors) {
        this.#s.events.event(podReference(this.#pod), "Warning", "FailedMount", errorText(one));
      }
      this.#wake(this.#now() + this.#volumeRetry());
      return undefined;
    }
  }

  #refreshLater(): void {
    this.#volumesStale = true;
    this.#wake(this.#now() + RETRY_MS);
  }

  /** Half a second, doubling to two minutes. */
  #volumeRetry(): number {
    const { backoff } = this.#r.state;
    const key = `volumes_${this.#pod.metadata.uid}`;
    backoff.next(key, this.#now(), this.#now());
    return Math.min(122_000, Math.max(500, (backoff.delay(key) / 10_000) * 500));
  }

  async #sources(): Promise<PayloadSources> {
    const { node } = this.#s;
    const ips = podAddresses(this.#observation);
    return {
      ...(await this.#s.objects.read(podReferences(this.#pod))),
      nodeName: node.name,
      hostIPs: node.hostIPs,
      podIPs: this.#pod.spec.hostNetwork ? node.hostIPs : ips,
      allocatable: node.allocatable,
    };
  }

  /** The sandbox to start in, made anew where the plan says so; undefined when that failed. */
  async #sandbox(plan: Plan): Promise<{ sandbox: ObservedSandbox; config: Sent<PodSandboxConfig> } | undefined> {
    const pod = this.#pod;
    if (!plan.createSandbox) {
      const sandbox = plan.sandbox;
      return sandbox && { sandbox, config: sandboxConfigOf(pod, sandbox.attempt, this.#s) };
    }
    if (plan.sandbox) {
      const text = "Pod sandbox changed, it will be killed and re-created.";
      this.#s.events.event(podReference(pod), "Normal", "SandboxChanged", text);
      await killPod(pod, this.#observation, this.#s, { signal: this.#r.signal });
      await removeInitContainers(pod, this.#observation, this.#s);
      this.#observation = await this.#s.observer.pod(pod.metadata.uid);
    }
    try {
      const made = await startSandbox(pod, plan.attempt, this.#s, this.#r.signal);
      this.#observation = withSandbox(this.#observation, made.sandbox);
      this.#r.observed(this.#observation, false);
      return made;
    } catch (error) {
      this.#r.signal.throwIfAborted();
      const text = `Failed to create pod sandbox: ${errorText(error)}`;
      this.#s.events.event(podReference(pod), "Warning", "FailedCreatePodSandBox", text);
      // What failed halfway may have left a sandbox: the next step begins by looking.
      throw error;
    }
  }

  async #kill(plan: Plan): Promise<void> {
    const [podIP = ""] = podAddresses(this.#observation);
    for (const kill of plan.kill) {
      const container = this.#observation.containers.find((c) => c.id === kill.containerId);
      if (!container) continue;
      const { message, reason } = kill;
      await killContainer(this.#pod, container, podIP, this.#s, { message, reason, signal: this.#r.signal });
      const seen = await this.#s.observer.container(container.id, container.sandboxId);
      if (seen) this.#observation = withContainer(this.#observation, seen);
    }
  }

  async #start(starts: readonly SpecContainer[], context: StartContext): Promise<void> {
    for (const spec of starts) {
      const started = await this.#startOne(spec, context);
      if (!started && spec.kind === "init" && !isSidecar(spec.container)) return;
    }
  }

  async #startOne(spec: SpecContainer, context: StartContext): Promise<boolean> {
    const { failures } = this.#r.state;
    const { name } = spec.container;
    if (this.#inBackoff(spec)) return false;
    const image = context.images.get(spec.container.image ?? "");
    const podIPs = podAddresses(this.#observation);
    try {
      await startContainer(
        {
          pod: this.#pod,
          spec,
          sandboxId: context.sandbox.id,
          sandboxConfig: context.config,
          podIPs,
          observation: this.#observation,
          volumes: context.volumes,
          objects: context.objects,
          ...(image && { image }),
          signal: this.#r.signal,
          running: (container) => {
            if (container.state === "running") failures.delete(name);
            this.#observation = withContainer(this.#observation, container);
            this.#r.observed(this.#observation, false);
          },
        },
        this.#s,
      );
      failures.delete(name);
      // The next init container waits for this one only to have started.
      if (spec.kind === "init" && isSidecar(spec.container)) this.#again = true;
      return true;
    } catch (error) {
      this.#r.signal.throwIfAborted();
      if (!(error instanceof StartError)) throw error;
      failures.set(name, { reason: error.code, message: error.message });
      this.#retryLater(error.code, spec);
      return false;
    }
  }

  #retryLater(code: string, { container }: SpecContainer): void {
    this.#urgent = true;
    const now = this.#now();
    if (code === "ImagePullBackOff")
      this.#wake(this.#s.images.retryAt(this.#pod, container.image ?? "") ?? now + RETRY_MS);
    else if (code === "ErrImagePull") this.#wake(now + SOON_MS);
    else this.#wake(now + RETRY_MS);
  }

  /** Whether a container that keeps ending has to wait yet; notes the attempt when it has not. */
  #inBackoff({ container, ...rest }: SpecContainer): boolean {
    const last = this.#observation.containers.find((c) => c.name === container.name && c.state === "exited");
    if (!last || latest(this.#observation, container.name)?.state === "created") return false;
    const pod = this.#pod;
    const { backoff, failures } = this.#r.state;
    const key = `${pod.metadata.uid}_${container.name}_${containerHash(container)}`;
    const now = this.#now();
    const due = backoff.dueAt(key, last.finishedAt, now);
    if (due === undefined) {
      backoff.next(key, last.finishedAt, now);
      return false;
    }
    const where = podText(pod);
    const text = `Back-off restarting failed container ${container.name} in pod ${where}`;
    this.#s.events.event(podReference(pod, { container, ...rest }), "Warning", "BackOff", text);
    const message = `back-off ${goDuration(backoff.delay(key))} restarting failed container=${container.name} pod=${where}`;
    failures.set(container.name, { reason: "CrashLoopBackOff", message });
    this.#wake(due);
    return true;
  }
}

interface StartContext {
  readonly sandbox: ObservedSandbox;
  readonly config: Sent<PodSandboxConfig>;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly objects: Objects;
  readonly images: ReadonlyMap<string, Promise<FoundImage | undefined>>;
}

/** `10s`, `1m20s`, `5m0s`. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
