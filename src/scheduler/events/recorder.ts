import { type corev1, type Draft, type eventsv1, resources } from "../../api/index.ts";
import type { Client, ResourceClient } from "../../client/index.ts";
import { type Env, errorText, LruMap, type Logger } from "../../kit/index.ts";
import { formatMicroTime, isNotFound, StatusError } from "../../machinery/index.ts";

/** An event about a pod. */
export interface PodEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly related?: corev1.Pod;
}

interface Series {
  readonly namespace: string;
  readonly name: string;
  count: number;
  lastSeen: number;
}

interface Outgoing {
  readonly event: Draft<eventsv1.Event>;
  readonly key: string;
}

/** The longest note that the server takes. */
const MAX_NOTE = 1024;
/** More than this many that wait to be written are dropped. */
const MAX_QUEUED = 20_000;
const WRITERS = 4;
/** The same event again within this time, ms, is a series. */
const SERIES_INTERVAL = 6 * 60_000;
const MAX_SERIES = 4096;

/**
 * Records events through events.k8s.io/v1 as kube-scheduler does. Returns at once; what repeats becomes a series with a count; what cannot be
 * written is dropped: events are a courtesy.
 */
export class PodEventRecorder {
  readonly #events: ResourceClient<eventsv1.Event>;
  readonly #env: Env;
  readonly #log: Logger;
  readonly #component: string;
  readonly #series = new LruMap<string, Series>(MAX_SERIES);
  #queue: Outgoing[] = [];
  #next = 0;
  #writers = 0;
  #order = 0;
  #stopped = false;

  constructor(client: Client, env: Env, component: string) {
    this.#events = client.resource(resources["events.events.k8s.io"]);
    this.#env = env;
    this.#log = env.log.with({ recorder: component });
    this.#component = component;
  }

  record(pod: corev1.Pod, event: PodEvent): void {
    if (this.#stopped || this.#queue.length - this.#next >= MAX_QUEUED) return;
    const { uid, resourceVersion } = pod.metadata;
    const key = [uid, resourceVersion, event.type, event.reason, event.action].join("\n");
    this.#queue.push({ key, event: this.#make(pod, event) });
    if (this.#writers >= WRITERS) return;
    this.#writers++;
    void this.#write();
  }

  /** Drops what waits. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#next = 0;
  }

  async #write(): Promise<void> {
    for (let outgoing = this.#take(); outgoing && !this.#stopped; outgoing = this.#take()) {
      try {
        await this.#send(outgoing);
      } catch (error) {
        const level = error instanceof StatusError ? "debug" : "warn";
        this.#log[level]("Event not recorded", { reason: outgoing.event.reason, error: errorText(error) });
      }
    }
    this.#writers--;
  }

  #take(): Outgoing | undefined {
    const outgoing = this.#queue[this.#next++];
    if (outgoing === undefined || this.#next > 1024) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    return outgoing;
  }

  async #send({ key, event }: Outgoing): Promise<void> {
    const now = this.#env.clock.now();
    const series = this.#series.get(key);
    if (series && now - series.lastSeen < SERIES_INTERVAL) {
      series.count++;
      series.lastSeen = now;
      const body = { series: { count: series.count, lastObservedTime: formatMicroTime(now) } };
      try {
        await this.#events.patch({ namespace: series.namespace, name: series.name }, { type: "merge", body });
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    const { name = "", namespace = "" } = event.metadata ?? {};
    this.#series.set(key, { namespace, name, count: 1, lastSeen: now });
    await this.#events.create(event);
  }

  #make(pod: corev1.Pod, event: PodEvent): Draft<eventsv1.Event> {
    const now = this.#env.clock.now();
    const { name, namespace } = pod.metadata;
    return {
      metadata: { name: this.#name(name, now), namespace },
      eventTime: formatMicroTime(now),
      reportingController: this.#component,
      reportingInstance: `${this.#component}-${this.#component}`,
      action: event.action,
      reason: event.reason,
      regarding: referenceTo(pod),
      ...(event.related && { related: referenceTo(event.related) }),
      note: truncate(event.note),
      type: event.type,
    };
  }

  /** The pod's name and the time in nanoseconds, of which the last digits only keep names apart. */
  #name(pod: string, now: number): string {
    this.#order = (this.#order + 1) % 1_000_000;
    return `${pod}.${(BigInt(Math.trunc(now)) * 1_000_000n + BigInt(this.#order)).toString(16)}`;
  }
}

function referenceTo({ metadata }: corev1.Pod): corev1.ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { kind: "Pod", namespace, name, uid, apiVersion: "v1", resourceVersion };
}

function truncate(note: string): string {
  const more = " ...";
  return note.length <= MAX_NOTE ? note : note.slice(0, MAX_NOTE - more.length) + more;
}
