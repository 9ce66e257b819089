import { type Clock, isCoded } from "../../kit/index.ts";
import type { GrpcClient } from "./grpc-client.ts";
import type { Runtime, RuntimeEvent } from "./runtime.ts";
import type { ContainerEventResponse, ContainerEventType } from "./schema.ts";
import { Wire } from "./wire.ts";

/** What a source of events needs of its driver. */
export interface EventSourceContext {
  readonly grpc: GrpcClient;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, "containerStatus" | "podSandboxStatus" | "listContainers" | "listPodSandbox">;
  readonly signal: AbortSignal;
  readonly emit: (event: RuntimeEvent) => void;
}

/** Runs until it cannot go on; rejects with code `Unimplemented` when the runtime lacks it. */
export type EventSource = (context: EventSourceContext) => Promise<void>;

const CRI_TYPES: Readonly<Record<ContainerEventType, "created" | "started" | "stopped" | "deleted">> = {
  CONTAINER_CREATED_EVENT: "created",
  CONTAINER_STARTED_EVENT: "started",
  CONTAINER_STOPPED_EVENT: "stopped",
  CONTAINER_DELETED_EVENT: "deleted",
};

/** CRI's own stream (containerd ≥ 1.7, CRI-O). */
export const criEvents: EventSource = async ({ grpc, wire, signal, emit }) => {
  const call = { path: "/runtime.v1.RuntimeService/GetContainerEvents", message: new Uint8Array(0), signal };
  for await (const bytes of grpc.stream(call)) {
    const event = wire.decode<ContainerEventResponse>("ContainerEventResponse", bytes);
    const sandboxId = event.podSandboxStatus?.id;
    const type = CRI_TYPES[event.containerEventType];
    emit({ type, id: event.containerId, ...(sandboxId ? { sandboxId } : {}) });
  }
};

/** The few messages of containerd's own events API that matter here. */
const containerdWire = new Wire({
  messages: {
    SubscribeRequest: "filters 1 *string",
    Envelope: "namespace 2 string,topic 3 string,event 4 Any",
    Any: "value 2 bytes",
    TaskEvent: "containerId 1 string,id 2 string",
  },
  enums: {},
});

const CONTAINERD_TOPICS: Readonly<Record<string, "started" | "stopped" | "deleted">> = {
  "/tasks/start": "started",
  "/tasks/exit": "stopped",
  "/containers/delete": "deleted",
};

/** How long after an exit the CRI plugin may take to notice it too, ms between looks. */
const SETTLE_DELAYS = [2, 3, 5, 10, 20, 40, 80, 160, 320, 640, 1000];

/** containerd's event service on the same socket, for versions whose CRI has no stream (1.6). */
export const containerdEvents: EventSource = async (context) => {
  const { grpc, signal, emit } = context;
  const filters = Object.keys(CONTAINERD_TOPICS).map((topic) => `namespace=="k8s.io",topic=="${topic}"`);
  const message = containerdWire.encode("SubscribeRequest", { filters });
  const path = "/containerd.services.events.v1.Events/Subscribe";
  for await (const bytes of grpc.stream({ path, message, signal })) {
    const envelope = containerdWire.decode<{ topic: string; event?: { value: Uint8Array } }>("Envelope", bytes);
    const type = CONTAINERD_TOPICS[envelope.topic];
    if (!type || !envelope.event) continue;
    const task = containerdWire.decode<{ containerId: string; id: string }>("TaskEvent", envelope.event.value);
    if (type === "stopped") {
      // The exit of an exec'd process carries its own id.
      if (task.id !== "" && task.id !== task.containerId) continue;
      void untilStopped(context, task.containerId).then(() => emit({ type, id: task.containerId }));
    } else {
      emit({ type, id: task.containerId });
    }
  }
};

/** Waits until CRI too says that the container or sandbox no longer runs. */
async function untilStopped({ runtime, clock, signal }: EventSourceContext, id: string): Promise<void> {
  for (const delay of SETTLE_DELAYS) {
    if (signal.aborted || !(await runs(runtime, id))) return;
    await clock.sleep(delay, signal).catch(() => undefined);
  }
}

async function runs(runtime: EventSourceContext["runtime"], id: string): Promise<boolean> {
  try {
    return (await runtime.containerStatus({ containerId: id })).status?.state === "CONTAINER_RUNNING";
  } catch (error) {
    if (!isCoded(error, "NotFound")) return false;
  }
  try {
    return (await runtime.podSandboxStatus({ podSandboxId: id })).status?.state === "SANDBOX_READY";
  } catch {
    return false;
  }
}

const RELIST_MS = 500;

/** For runtimes with no events at all: looks again and again and tells the differences. */
export const relistEvents: EventSource = async ({ runtime, clock, signal, emit }) => {
  let last = new Map<string, string>();
  for (let first = true; !signal.aborted; first = false) {
    const [{ items }, { containers }] = await Promise.all([runtime.listPodSandbox({}), runtime.listContainers({})]);
    const now = new Map<string, string>();
    for (const sandbox of items) now.set(sandbox.id, sandbox.state === "SANDBOX_READY" ? "started" : "stopped");
    for (const c of containers) {
      const state =
        c.state === "CONTAINER_CREATED" ? "created" : c.state === "CONTAINER_RUNNING" ? "started" : "stopped";
      now.set(c.id, state);
    }
    if (!first) emitDifferences(last, now, emit);
    last = now;
    await clock.sleep(RELIST_MS, signal);
  }
};

function emitDifferences(last: Map<string, string>, now: Map<string, string>, emit: (e: RuntimeEvent) => void): void {
  for (const [id, state] of now) {
    if (last.get(id) !== state) emit({ type: state as "created" | "started" | "stopped", id });
  }
  for (const id of last.keys()) if (!now.has(id)) emit({ type: "deleted", id });
}
