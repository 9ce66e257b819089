import { type corev1, type Draft, resources } from "../../api/index.ts";
import type { Env, Logger } from "../../kit/index.ts";
import { deferred, errorText } from "../../kit/index.ts";
import { StatusError, formatTime, hasCause, isAlreadyExists, isNotFound } from "../../machinery/index.ts";
import type { Client, ResourceClient } from "../client.ts";
import type { Correlated, OutgoingEvent } from "./correlator.ts";
import { EventCorrelator } from "./correlator.ts";
import { eventNames } from "./event-name.ts";

/** What an event is about: an object as served, or a reference to it (with a `fieldPath`, to a part of it). */
export type EventSubject =
  | corev1.ObjectReference
  | {
      readonly kind: string;
      readonly apiVersion: string;
      readonly metadata: {
        readonly name: string;
        readonly namespace?: string;
        readonly uid?: string;
        readonly resourceVersion?: string;
      };
    };

export interface EventRecorder {
  /**
   * Queues an event and returns at once; never throws. `reason` is UpperCamelCase and of a bounded set, `message` is for
   * people. Repeated and similar events are combined, floods are dropped, and so is what cannot be written.
   */
  event(
    about: EventSubject,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    annotations?: Readonly<Record<string, string>>,
  ): void;
  /** Resolves once everything queued so far was written or dropped. */
  flush(): Promise<void>;
  /** Drops what is queued; later events are ignored. */
  stop(): void;
}

/** As upstream's broadcaster. */
const MAX_QUEUED = 1000;
const MAX_TRIES = 12;
const RETRY_DELAY = 10_000;

/**
 * A recorder of core/v1 Events from `component`, on `host` if it is bound to one. Events about cluster-scoped objects go to
 * namespace `default`.
 */
export function createEventRecorder(
  client: Client,
  env: Env,
  component: string,
  options: { readonly host?: string } = {},
): EventRecorder {
  return new QueuedRecorder(client, env, component, options.host);
}

class QueuedRecorder implements EventRecorder {
  readonly #events: ResourceClient<corev1.Event>;
  readonly #env: Env;
  readonly #log: Logger;
  readonly #component: string;
  readonly #host: string | undefined;
  readonly #nameFor: (objectName: string) => string;
  readonly #correlator: EventCorrelator;
  readonly #stop = new AbortController();
  #queue: OutgoingEvent[] = [];
  #pump: Promise<void> | undefined;

  constructor(client: Client, env: Env, component: string, host: string | undefined) {
    this.#events = client.resource(resources.events);
    this.#env = env;
    this.#log = env.log.with({ recorder: component });
    this.#component = component;
    this.#host = host;
    this.#nameFor = eventNames(env);
    this.#correlator = new EventCorrelator(env.clock, this.#nameFor);
  }

  event(
    about: EventSubject,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
    annotations?: Readonly<Record<string, string>>,
  ): void {
    if (this.#stop.signal.aborted) return;
    const event = this.#make(referenceTo(about), type, reason, message, annotations);
    if (this.#queue.length >= MAX_QUEUED) {
      this.#log.error("Too many queued events, dropped event", { event });
      return;
    }
    this.#queue.push(event);
    this.#pump ??= this.#drain();
  }

  async flush(): Promise<void> {
    while (this.#pump) await this.#pump;
  }

  stop(): void {
    this.#queue = [];
    this.#stop.abort();
  }

  #make(
    involvedObject: corev1.ObjectReference,
    type: string,
    reason: string,
    message: string,
    annotations: Readonly<Record<string, string>> | undefined,
  ): OutgoingEvent {
    const time = formatTime(this.#env.clock.now());
    const host = this.#host === undefined ? {} : { host: this.#host };
    return {
      kind: "Event",
      apiVersion: "v1",
      metadata: {
        name: this.#nameFor(involvedObject.name ?? ""),
        namespace: involvedObject.namespace || "default",
        ...(annotations && { annotations }),
      },
      involvedObject,
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component: this.#component, ...host },
      reportingComponent: this.#component,
      reportingInstance: this.#host ?? "",
    };
  }

  async #drain(): Promise<void> {
    // Everything that happens in one go is queued before the first is sent.
    await Promise.resolve();
    for (let event = this.#queue.shift(); event; event = this.#queue.shift()) {
      const correlated = this.#correlator.correlate(event);
      if (correlated) await this.#send(correlated);
    }
    this.#pump = undefined;
  }

  async #send(correlated: Correlated): Promise<void> {
    const { signal } = this.#stop;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        this.#correlator.sent(await this.#write(correlated));
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof StatusError) {
          this.#rejected(correlated, error);
          return;
        }
        const fields = { reason: correlated.event.reason, error: errorText(error) };
        if (tries >= MAX_TRIES) {
          this.#log.error("Unable to write event, giving up", fields);
          return;
        }
        this.#log.warn("Unable to write event, trying again later", fields);
        // The first wait is by chance, so that clients of a server that went down do not come back together.
        await this.#sleep(tries === 1 ? RETRY_DELAY * this.#env.random.float() : RETRY_DELAY);
      }
    }
  }

  async #write({ event, patch }: Correlated): Promise<OutgoingEvent> {
    const { signal } = this.#stop;
    if (patch) {
      try {
        await this.#events.patch(event.metadata, { type: "strategic", body: patch }, { signal });
        return event;
      } catch (error) {
        // It has expired meanwhile: made anew, with its count.
        if (!isNotFound(error)) throw error;
      }
    }
    await this.#events.create(event as Draft<corev1.Event>, { signal });
    return event;
  }

  #rejected({ event }: Correlated, error: StatusError): void {
    const expected = isAlreadyExists(error) || hasCause(error, "NamespaceTerminating");
    const fields = { reason: event.reason, message: event.message, error: errorText(error) };
    if (expected) this.#log.debug("Server rejected event", fields);
    else this.#log.error("Server rejected event", fields);
  }

  /** Ends early when stopped. Does not keep the process alive. */
  #sleep(ms: number): Promise<void> {
    const { promise, resolve } = deferred();
    const timer = this.#env.clock.setTimer(ms, resolve);
    const onStop = (): void => {
      timer.cancel();
      resolve();
    };
    this.#stop.signal.addEventListener("abort", onStop, { once: true });
    return promise.finally(() => this.#stop.signal.removeEventListener("abort", onStop));
  }
}

/** A reference as upstream makes it. */
function referenceTo(subject: EventSubject): corev1.ObjectReference {
  if (!("metadata" in subject)) return subject;
  const { kind, apiVersion, metadata } = subject;
  return {
    kind,
    ...(metadata.namespace && { namespace: metadata.namespace }),
    name: metadata.name,
    ...(metadata.uid && { uid: metadata.uid }),
    apiVersion,
    ...(metadata.resourceVersion && { resourceVersion: metadata.resourceVersion }),
  };
}
