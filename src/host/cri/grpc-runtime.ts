import { AsyncQueue, type Clock, CodedError, type Logger, isCoded, silent } from "../../kit/index.ts";
import { type EventSource, containerdEvents, criEvents, relistEvents } from "./event-sources.ts";
import { GrpcClient } from "./grpc-client.ts";
import type { CallOptions, Runtime, RuntimeEvent, RuntimeMethods } from "./runtime.ts";
import type { Methods } from "./schema.ts";
import { enums, messages, methods } from "./table.ts";
import { Wire } from "./wire.ts";

export interface GrpcRuntimeOptions {
  /** A path, or `unix:///path`. */
  readonly endpoint: string;
  readonly clock: Clock;
  readonly log?: Logger;
  /** Best first; those that the runtime does not implement are passed over. Default: CRI, containerd, relist. */
  readonly eventSources?: readonly EventSource[];
}

const RECONNECT_MS = [50, 100, 200, 500, 1000, 2000];

/** A runtime behind a CRI socket. Connects when first used; a runtime that restarts is found again by the next call. */
export function connectRuntime(options: GrpcRuntimeOptions): Runtime {
  const grpc = new GrpcClient(socketPath(options.endpoint));
  const wire = new Wire({ messages, enums });
  const calls = unaryMethods(grpc, wire);
  return {
    ...calls,
    events: (signal) => events({ ...options, grpc, wire, calls }, signal),
    close: () => grpc.close(),
  };
}

function socketPath(endpoint: string): string {
  const path = endpoint.startsWith("unix://") ? endpoint.slice("unix://".length) : endpoint;
  if (path.startsWith("/")) return path;
  throw new CodedError("InvalidEndpoint", `runtime endpoint "${endpoint}": expected unix:///path/to.sock`);
}

function unaryMethods(grpc: GrpcClient, wire: Wire): RuntimeMethods {
  const out: Record<string, (request: object, options?: CallOptions) => Promise<unknown>> = {};
  for (const [name, [path, request, response]] of Object.entries(methods)) {
    out[name] = async (message, options) => {
      const bytes = await grpc.unary({ path, message: wire.encode(request, message), ...options });
      return wire.decode(response, bytes);
    };
  }
  return out as { [M in keyof Methods]: RuntimeMethods[M] };
}

interface EventLoop extends GrpcRuntimeOptions {
  readonly grpc: GrpcClient;
  readonly wire: Wire;
  readonly calls: RuntimeMethods;
}

async function* events(loop: EventLoop, signal: AbortSignal): AsyncGenerator<RuntimeEvent, void> {
  const queue = new AsyncQueue<RuntimeEvent>();
  const feeding = feed(loop, queue, signal).finally(() => queue.close());
  for await (const event of queue) yield event;
  await feeding;
}

/** Keeps one source running, moving on to the next when one is not implemented, until `signal` aborts. */
async function feed(loop: EventLoop, queue: AsyncQueue<RuntimeEvent>, signal: AbortSignal): Promise<void> {
  const sources = [...(loop.eventSources ?? [criEvents, containerdEvents, relistEvents])];
  const log = loop.log ?? silent;
  const context = { ...loop, runtime: loop.calls, signal, emit: (e: RuntimeEvent) => void queue.push(e) };
  for (let failures = 0; !signal.aborted;) {
    const source = sources[0] ?? relistEvents;
    const started = loop.clock.monotonic();
    // Whatever happened before the stream was there is found by looking, not by events.
    queue.push({ type: "resync" });
    try {
      await source(context);
    } catch (error) {
      if (signal.aborted) return;
      if (isCoded(error, "Unimplemented")) {
        sources.shift();
        continue;
      }
      log.debug("Runtime event stream broke off", { error });
    }
    failures = loop.clock.monotonic() - started > 10_000 ? 0 : failures + 1;
    const delay = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)] ?? 0;
    await loop.clock.sleep(delay, signal).catch(() => undefined);
  }
}
