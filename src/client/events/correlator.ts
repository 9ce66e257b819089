import type { corev1 } from "../../api/index.ts";
import type { Clock } from "../../kit/index.ts";
import { LruMap, RateLimiter } from "../../kit/index.ts";
import { formatTime } from "../../machinery/index.ts";

/** An event on its way out: what the recorder fills in. */
export type OutgoingEvent = Omit<corev1.Event, "metadata" | "count" | "firstTimestamp" | "lastTimestamp"> & {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
};

/** What to send. With `patch`, the event exists under its name and only this changes. */
export interface Correlated {
  readonly event: OutgoingEvent;
  readonly patch?: { readonly count: number; readonly lastTimestamp: string; readonly message: string };
}

interface Similar {
  /** Messages seen within the interval, up to {@link MAX_SIMILAR}. */
  messages: Set<string>;
  lastSeen: number;
}

interface Logged {
  readonly count: number;
  readonly firstTimestamp: string;
  readonly name: string;
}

// client-go's defaults (tools/record/events_cache.go).
const CACHE_SIZE = 4096;
const MAX_SIMILAR = 10;
const SIMILAR_INTERVAL = 600_000;
const SPAM_BURST = 25;
const SPAM_QPS = 1 / 300;

/**
 * Keeps events from flooding the server, as client-go does: the same event again only raises its count; more than ten a
 * ten minutes that differ only in their message are combined; and about one object a source has 25 events, then one in
 * five minutes.
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #nameFor: (objectName: string) => string;
  readonly #similar = new LruMap<string, Similar>(CACHE_SIZE);
  readonly #logged = new LruMap<string, Logged>(CACHE_SIZE);
  readonly #limits = new LruMap<string, RateLimiter>(CACHE_SIZE);

  /** `nameFor` names the event that combines others. */
  constructor(clock: Clock, nameFor: (objectName: string) => string) {
    this.#clock = clock;
    this.#nameFor = nameFor;
  }

  /** What to send for `event`; undefined when it is to be dropped. */
  correlate(event: OutgoingEvent): Correlated | undefined {
    const { event: aggregated, key } = this.#aggregate(event);
    const result = this.#count(aggregated, key);
    return this.#isSpam(result.event) ? undefined : result;
  }

  /** What the server has now. */
  sent(event: OutgoingEvent): void {
    this.#log(keyOf(event), event);
  }

  #aggregate(event: OutgoingEvent): { event: OutgoingEvent; key: string } {
    const now = this.#clock.now();
    const groupKey = aggregateKeyOf(event);
    let similar = this.#similar.get(groupKey);
    if (!similar || now - similar.lastSeen > SIMILAR_INTERVAL) similar = { messages: new Set(), lastSeen: now };
    similar.messages.add(event.message ?? "");
    similar.lastSeen = now;
    this.#similar.set(groupKey, similar);
    if (similar.messages.size < MAX_SIMILAR) return { event, key: keyOf(event) };
    const [first] = similar.messages;
    similar.messages.delete(first ?? "");
    const time = formatTime(now);
    const { annotations: _, ...metadata } = event.metadata;
    const combined: OutgoingEvent = {
      ...event,
      metadata: { ...metadata, name: this.#nameFor(event.involvedObject.name ?? "") },
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      message: `(combined from similar events): ${event.message ?? ""}`,
    };
    return { event: combined, key: groupKey };
  }

  #count(event: OutgoingEvent, key: string): Correlated {
    const last = this.#logged.get(key);
    if (!last) {
      this.#log(key, event);
      return { event };
    }
    const repeated: OutgoingEvent = {
      ...event,
      metadata: { ...event.metadata, name: last.name },
      firstTimestamp: last.firstTimestamp,
      count: last.count + 1,
    };
    this.#log(key, repeated);
    const { count, lastTimestamp, message = "" } = repeated;
    return { event: repeated, patch: { count, lastTimestamp, message } };
  }

  #log(key: string, event: OutgoingEvent): void {
    const { count, firstTimestamp, metadata } = event;
    this.#logged.set(key, { count, firstTimestamp, name: metadata.name });
  }

  #isSpam(event: OutgoingEvent): boolean {
    const key = spamKeyOf(event);
    let limit = this.#limits.get(key);
    if (!limit) {
      limit = new RateLimiter({ clock: this.#clock, qps: SPAM_QPS, burst: SPAM_BURST });
      this.#limits.set(key, limit);
    }
    return !limit.tryAccept();
  }
}

function spamKeyOf(event: OutgoingEvent): string {
  const { source, involvedObject: o, type } = event;
  return join(source.component, source.host, o.kind, o.namespace, o.name, o.uid, o.apiVersion, type);
}

function aggregateKeyOf(event: OutgoingEvent): string {
  return join(spamKeyOf(event), event.reason, event.reportingComponent, event.reportingInstance);
}

function keyOf(event: OutgoingEvent): string {
  return join(spamKeyOf(event), event.involvedObject.fieldPath, event.reason, event.message);
}

function join(...parts: (string | undefined)[]): string {
  return parts.map((part) => part ?? "").join("\u0000");
}
