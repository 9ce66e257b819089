import { AsyncQueue, type Clock, CodedError, type Random, type Timer, abortable } from "../../kit/index.ts";
import type { CallOptions, Runtime, RuntimeEvent, Sent } from "./runtime.ts";
import type * as cri from "./schema.ts";
import { enums, messages, methods } from "./table.ts";
import { Wire } from "./wire.ts";

/** What a simulated container does once started. */
export interface Program {
  /** Ends by itself after so many milliseconds; absent: never. */
  readonly endsAfterMs?: number;
  /** Default 0. */
  readonly exitCode?: number;
  /** How it takes SIGTERM: how long it still runs and with what it ends (default: at once, 143). */
  readonly onTerm?: { readonly afterMs: number; readonly exitCode: number } | "ignored";
  /** StartContainer fails with this message. */
  readonly startError?: string;
}

export interface ExecResult {
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** How long it takes, ms. */
  readonly afterMs?: number;
}

export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Images that are there from the start. */
  readonly images?: readonly string[];
  /** What a container does; default: it runs until stopped. */
  readonly program?: (config: Sent<cri.ContainerConfig>) => Program;
  readonly exec?: (containerId: string, command: readonly string[]) => ExecResult;
  /** The answer to a pull: nothing, or the message it fails with. Default: every image can be pulled. */
  readonly pull?: (image: string) => string | undefined;
}

interface Sandbox {
  readonly id: string;
  readonly config: Sent<cri.PodSandboxConfig>;
  readonly handler: string;
  readonly createdAt: number;
  readonly ip: string;
  state: cri.PodSandboxState;
}

interface Container {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: Sent<cri.ContainerConfig>;
  readonly imageId: string;
  readonly createdAt: number;
  state: cri.ContainerState;
  startedAt: number;
  finishedAt: number;
  exitCode: number;
  reason: string;
  timer: Timer | undefined;
  /** Those who wait for its end. */
  readonly waiting: (() => void)[];
  program: Program;
}

const wire = new Wire({ messages, enums });
const NS = 1e6;

/**
 * A runtime that exists only in memory: no process, no file, time from its clock. It keeps CRI's rules (states, not-found
 * errors, idempotent stops and removals, events), so that a kubelet can be tested in virtual time.
 */
export class SimulatedRuntime {
  readonly #options: SimulatedRuntimeOptions;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, Container>();
  readonly #images = new Map<string, string>();
  readonly #listeners = new Set<AsyncQueue<RuntimeEvent>>();
  readonly #failures = new Map<string, CodedError[]>();
  #addresses = 1;
  /** Every call so far: name and request. */
  readonly calls: { readonly method: string; readonly request: unknown }[] = [];
  /** The same runtime as the seam has it. */
  readonly runtime: Runtime;

  constructor(options: SimulatedRuntimeOptions) {
    this.#options = options;
    for (const image of options.images ?? []) this.addImage(image);
    this.runtime = this.#face();
  }

  addImage(name: string): void {
    this.#images.set(name, `sha256:${Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64)}`);
  }

  /** The next call of `method` fails with `error`. */
  failNext(method: keyof typeof methods, error: CodedError): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  /** Ends a running container as if its process had exited. */
  exit(containerId: string, exitCode: number, reason?: string): void {
    const container = this.#container(containerId);
    this.#end(container, exitCode, reason ?? (exitCode === 0 ? "Completed" : "Error"));
  }

  /** Ids of the running containers with that name, in order of creation. */
  running(name: string): string[] {
    const all = [...this.#containers.values()];
    return all.filter((c) => c.config.metadata?.name === name && c.state === "CONTAINER_RUNNING").map((c) => c.id);
  }

  get containerCount(): number {
    return this.#containers.size;
  }

  get sandboxCount(): number {
    return this.#sandboxes.size;
  }

  #face(): Runtime {
    const own = this as unknown as Record<string, ((request: object) => unknown) | undefined>;
    const face: Record<string, unknown> = {};
    for (const [name, [, requestType, responseType]] of Object.entries(methods)) {
      face[name] = async (request: object, options?: CallOptions): Promise<unknown> => {
        options?.signal?.throwIfAborted();
        this.calls.push({ method: name, request });
        const failure = this.#failures.get(name)?.shift();
        if (failure) throw failure;
        const answer = own[`do_${name}`];
        if (!answer) throw new CodedError("Unimplemented", `${name} is not simulated`);
        // Both ways through the codec: what is not in the schema is lost here as it would be on the wire.
        const received = wire.decode<object>(requestType, wire.encode(requestType, request));
        const sent = (await abortable(Promise.resolve(answer.call(this, received)), options?.signal)) as object;
        return wire.decode(responseType, wire.encode(responseType, sent));
      };
    }
    return Object.assign(face as unknown as Runtime, {
      events: (signal: AbortSignal) => this.#events(signal),
      close: () => undefined,
    });
  }

  async *#events(signal: AbortSignal): AsyncGenerator<RuntimeEvent, void> {
    const queue = new AsyncQueue<RuntimeEvent>();
    this.#listeners.add(queue);
    const onAbort = (): void => queue.close();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    queue.push({ type: "resync" });
    try {
      for await (const event of queue) yield event;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#listeners.delete(queue);
    }
  }

  #emit(type: "created" | "started" | "stopped" | "deleted", id: string, sandboxId: string): void {
    for (const listener of this.#listeners) listener.push({ type, id, sandboxId });
  }

  #id(): string {
    return Buffer.from(this.#options.random.bytes(32)).toString("hex");
  }

  #now(): number {
    return this.#options.clock.now() * NS;
  }

  #sandbox(id: string): Sandbox {
    const found = this.#sandboxes.get(id);
    if (found) return found;
    throw new CodedError("NotFound", `an error occurred when try to find sandbox: not found: ${id}`);
  }

  #container(id: string): Container {
    const found = this.#containers.get(id);
    if (found) return found;
    throw new CodedError("NotFound", `an error occurred when try to find container "${id}": not found`);
  }

  protected do_version(): Sent<cri.VersionResponse> {
    return { version: "0.1.0", runtimeName: "simulated", runtimeVersion: "1.0.0", runtimeApiVersion: "v1" };
  }

  protected do_status(): Sent<cri.StatusResponse> {
    const conditions = ["RuntimeReady", "NetworkReady"].map((type) => ({ type, status: true }));
    return { status: { conditions }, runtimeHandlers: [{ name: "", features: { recursiveReadOnlyMounts: true } }] };
  }

  protected do_runPodSandbox(request: cri.RunPodSandboxRequest): Sent<cri.RunPodSandboxResponse> {
    const { config } = request;
    const same = [...this.#sandboxes.values()].find(
      (s) =>
        s.config.metadata?.uid === config?.metadata?.uid && s.config.metadata?.attempt === config?.metadata?.attempt,
    );
    if (same) throw new CodedError("Unknown", `failed to reserve sandbox name: name is reserved for "${same.id}"`);
    const hostNetwork = config?.linux?.securityContext?.namespaceOptions?.network === "NODE";
    const n = this.#addresses++;
    const sandbox: Sandbox = {
      id: this.#id(),
      config: config ?? {},
      handler: request.runtimeHandler,
      createdAt: this.#now(),
      ip: hostNetwork ? "" : `10.88.${Math.floor(n / 250)}.${(n % 250) + 2}`,
      state: "SANDBOX_READY",
    };
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#emit("created", sandbox.id, sandbox.id);
    this.#emit("started", sandbox.id, sandbox.id);
    return { podSandboxId: sandbox.id };
  }

  protected do_stopPodSandbox({ podSandboxId }: cri.StopPodSandboxRequest): object {
    const sandbox = this.#sandboxes.get(podSandboxId);
    if (!sandbox || sandbox.state === "SANDBOX_NOTREADY") return {};
    for (const container of this.#of(podSandboxId)) this.#end(container, 137, "Error");
    sandbox.state = "SANDBOX_NOTREADY";
    this.#emit("stopped", sandbox.id, sandbox.id);
    return {};
  }

  protected do_removePodSandbox({ podSandboxId }: cri.RemovePodSandboxRequest): object {
    if (!this.#sandboxes.has(podSandboxId)) return {};
    this.do_stopPodSandbox({ podSandboxId });
    for (const container of this.#of(podSandboxId)) this.do_removeContainer({ containerId: container.id });
    this.#sandboxes.delete(podSandboxId);
    this.#emit("deleted", podSandboxId, podSandboxId);
    return {};
  }

  #of(sandboxId: string): Container[] {
    return [...this.#containers.values()].filter((c) => c.sandboxId === sandboxId);
  }

  protected do_podSandboxStatus({ podSandboxId }: cri.PodSandboxStatusRequest): Sent<cri.PodSandboxStatusResponse> {
    const s = this.#sandbox(podSandboxId);
    const options = s.config.linux?.securityContext?.namespaceOptions;
    return {
      status: {
        ...sandboxItem(s),
        network: { ip: s.ip },
        linux: { namespaces: { options: options ?? {} } },
      },
    };
  }

  protected do_listPodSandbox({ filter }: cri.ListPodSandboxRequest): Sent<cri.ListPodSandboxResponse> {
    const items = [...this.#sandboxes.values()].filter(
      (s) =>
        (!filter?.id || s.id.startsWith(filter.id)) &&
        (!filter?.state || s.state === filter.state.state) &&
        carries(s.config.labels, filter?.labelSelector),
    );
    return { items: items.map(sandboxItem) };
  }

  protected do_createContainer(request: cri.CreateContainerRequest): Sent<cri.CreateContainerResponse> {
    const { podSandboxId, config } = request;
    if (this.#sandbox(podSandboxId).state !== "SANDBOX_READY") {
      throw new CodedError("Unknown", `sandbox container "${podSandboxId}" is not running`);
    }
    const image = config?.image?.image ?? "";
    const imageId = this.#imageId(image);
    if (imageId === undefined) {
      throw new CodedError("NotFound", `failed to create container: unable to get image "${image}": not found`);
    }
    const container: Container = {
      id: this.#id(),
      sandboxId: podSandboxId,
      config: config ?? {},
      imageId,
      createdAt: this.#now(),
      state: "CONTAINER_CREATED",
      startedAt: 0,
      finishedAt: 0,
      exitCode: 0,
      reason: "",
      timer: undefined,
      waiting: [],
      program: this.#options.program?.(config ?? {}) ?? {},
    };
    this.#containers.set(container.id, container);
    this.#emit("created", container.id, podSandboxId);
    return { containerId: container.id };
  }

  protected do_startContainer({ containerId }: cri.StartContainerRequest): object {
    const c = this.#container(containerId);
    if (c.state !== "CONTAINER_CREATED") {
      throw new CodedError("Unknown", `failed to set starting state: container is in ${c.state} state`);
    }
    c.startedAt = this.#now();
    if (c.program.startError !== undefined) {
      Object.assign(c, { state: "CONTAINER_EXITED", finishedAt: this.#now(), exitCode: 128, reason: "StartError" });
      throw new CodedError("Unknown", c.program.startError);
    }
    c.state = "CONTAINER_RUNNING";
    this.#emit("started", c.id, c.sandboxId);
    const { endsAfterMs, exitCode = 0 } = c.program;
    if (endsAfterMs !== undefined) this.#endLater(c, endsAfterMs, exitCode);
    return {};
  }

  #endLater(c: Container, ms: number, exitCode: number): void {
    c.timer?.cancel();
    c.timer = this.#options.clock.setTimer(ms, () => this.#end(c, exitCode, exitCode === 0 ? "Completed" : "Error"));
  }

  #end(c: Container, exitCode: number, reason: string): void {
    c.timer?.cancel();
    if (c.state !== "CONTAINER_RUNNING") return;
    Object.assign(c, { state: "CONTAINER_EXITED", finishedAt: this.#now(), exitCode, reason });
    this.#emit("stopped", c.id, c.sandboxId);
    for (const resolve of c.waiting.splice(0)) resolve();
  }

  protected async do_stopContainer({ containerId, timeout }: cri.StopContainerRequest): Promise<object> {
    const c = this.#containers.get(containerId);
    if (c?.state !== "CONTAINER_RUNNING") return {};
    const onTerm = c.program.onTerm ?? { afterMs: 0, exitCode: 143 };
    const limit = timeout * 1000;
    if (limit === 0) this.#end(c, 137, "Error");
    else if (onTerm === "ignored" || onTerm.afterMs > limit) this.#endLater(c, limit, 137);
    else this.#endLater(c, onTerm.afterMs, onTerm.exitCode);
    if (this.#containers.get(containerId)?.state === "CONTAINER_RUNNING") {
      await new Promise<void>((resolve) => c.waiting.push(resolve));
    }
    return {};
  }

  protected do_removeContainer({ containerId }: cri.RemoveContainerRequest): object {
    const c = this.#containers.get(containerId);
    if (!c) return {};
    this.#end(c, 137, "Error");
    this.#containers.delete(containerId);
    this.#emit("deleted", containerId, c.sandboxId);
    return {};
  }

  protected do_listContainers({ filter }: cri.ListContainersRequest): Sent<cri.ListContainersResponse> {
    const containers = [...this.#containers.values()].filter(
      (c) =>
        (!filter?.id || c.id.startsWith(filter.id)) &&
        (!filter?.podSandboxId || c.sandboxId === filter.podSandboxId) &&
        (!filter?.state || c.state === filter.state.state) &&
        carries(c.config.labels, filter?.labelSelector),
    );
    return { containers: containers.map((c) => ({ ...containerItem(c), podSandboxId: c.sandboxId })) };
  }

  protected do_containerStatus({ containerId }: cri.ContainerStatusRequest): Sent<cri.ContainerStatusResponse> {
    const c = this.#container(containerId);
    return {
      status: {
        ...containerItem(c),
        startedAt: c.startedAt,
        finishedAt: c.finishedAt,
        exitCode: c.exitCode,
        reason: c.reason,
        mounts: c.config.mounts ?? [],
        logPath: `${this.#sandboxes.get(c.sandboxId)?.config.logDirectory ?? ""}/${c.config.logPath ?? ""}`,
        resources: { linux: c.config.linux?.resources ?? {} },
      },
    };
  }

  protected do_updateContainerResources({ containerId }: cri.UpdateContainerResourcesRequest): object {
    this.#container(containerId);
    return {};
  }

  protected do_reopenContainerLog({ containerId }: cri.ReopenContainerLogRequest): object {
    this.#container(containerId);
    return {};
  }

  protected async do_execSync(request: cri.ExecSyncRequest): Promise<Sent<cri.ExecSyncResponse>> {
    const c = this.#container(request.containerId);
    if (c.state !== "CONTAINER_RUNNING") {
      throw new CodedError("Unknown", `failed to exec in container: container is in ${c.state} state`);
    }
    const result = this.#options.exec?.(c.id, request.cmd) ?? {};
    const limit = request.timeout * 1000;
    if (limit > 0 && (result.afterMs ?? 0) > limit) {
      await this.#options.clock.sleep(limit);
      const command = request.cmd.join(" ");
      throw new CodedError(
        "DeadlineExceeded",
        `failed to exec in container: timeout ${limit / 1000}s exceeded: ${command}`,
      );
    }
    if (result.afterMs !== undefined) await this.#options.clock.sleep(result.afterMs);
    const { exitCode = 0, stdout = "", stderr = "" } = result;
    return { exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) };
  }

  protected do_listImages({ filter }: cri.ListImagesRequest): Sent<cri.ListImagesResponse> {
    const wanted = filter?.image?.image;
    const byId = new Map<string, string[]>();
    for (const [name, id] of this.#images) {
      if (!wanted || wanted === name || wanted === id) byId.set(id, [...(byId.get(id) ?? []), name]);
    }
    return { images: [...byId].map(([id, repoTags]) => ({ id, repoTags, size: 1000 })) };
  }

  #imageId(image: string): string | undefined {
    return this.#images.get(image) ?? ([...this.#images.values()].includes(image) ? image : undefined);
  }

  protected do_imageStatus({ image }: cri.ImageStatusRequest): Sent<cri.ImageStatusResponse> {
    const id = this.#imageId(image?.image ?? "");
    if (id === undefined) return {};
    const repoTags = [...this.#images].filter(([, i]) => i === id).map(([name]) => name);
    return { image: { id, repoTags, size: 1000 } };
  }

  protected do_pullImage({ image }: cri.PullImageRequest): Sent<cri.PullImageResponse> {
    const name = image?.image ?? "";
    const failure = this.#options.pull?.(name);
    if (failure !== undefined) throw new CodedError("Unknown", failure);
    this.addImage(name);
    return { imageRef: this.#images.get(name) ?? "" };
  }

  protected do_removeImage({ image }: cri.RemoveImageRequest): object {
    const id = this.#imageId(image?.image ?? "");
    for (const [name, other] of this.#images) if (other === id) this.#images.delete(name);
    return {};
  }

  protected do_imageFsInfo(): Sent<cri.ImageFsInfoResponse> {
    const usage = {
      timestamp: this.#now(),
      fsId: { mountpoint: "/" },
      usedBytes: { value: 0 },
      inodesUsed: { value: 0 },
    };
    return { imageFilesystems: [usage] };
  }

  protected do_listContainerStats({ filter }: cri.ListContainerStatsRequest): Sent<cri.ListContainerStatsResponse> {
    const containers = [...this.#containers.values()].filter(
      (c) => c.state === "CONTAINER_RUNNING" && (!filter?.id || c.id === filter.id),
    );
    return { stats: containers.map((c) => this.#stats(c)) };
  }

  #stats(c: Container): Sent<cri.ContainerStats> {
    const timestamp = this.#now();
    return {
      attributes: { id: c.id, metadata: c.config.metadata, labels: c.config.labels, annotations: c.config.annotations },
      cpu: { timestamp, usageCoreNanoSeconds: { value: (timestamp - c.startedAt) / 1000 } },
      memory: { timestamp, workingSetBytes: { value: 1 << 20 } },
    };
  }

  protected do_runtimeConfig(): Sent<cri.RuntimeConfigResponse> {
    return { linux: { cgroupDriver: "CGROUPFS" } };
  }

  protected do_updateRuntimeConfig(): object {
    return {};
  }
}

function carries(
  labels: Sent<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>> | undefined,
): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
}

function sandboxItem(s: Sandbox): Sent<cri.PodSandbox> {
  const { metadata, labels, annotations } = s.config;
  return { id: s.id, metadata, state: s.state, createdAt: s.createdAt, labels, annotations, runtimeHandler: s.handler };
}

function containerItem(c: Container): Sent<cri.Container> & Sent<cri.ContainerStatus> {
  const { metadata, labels, annotations, image } = c.config;
  const { id, state, createdAt, imageId } = c;
  return { id, metadata, image, imageRef: imageId, imageId, state, createdAt, labels, annotations };
}
