import { type Clock, Heap, type Timer } from "../../kit/index.ts";
import type { PodInfo } from "../cache/pod-info.ts";
import { type ClusterEvent, Events } from "../framework/cluster-event.ts";
import { podUpdates } from "../framework/object-changes.ts";
import { BackoffQueue } from "./backoff-queue.ts";
import { profileOf, type QueueingHints, type Requeue } from "./hints.ts";
import { InFlight, type Occurrence } from "./in-flight.ts";
import { Nominator } from "./nominator.ts";
import { QueueEntry } from "./queued-pod.ts";
import { UnschedulablePool } from "./unschedulable-pool.ts";

/** How often pods that wait too long are looked for, ms. */
const LEFTOVER_PERIOD = 30_000;

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly hints: QueueingHints;
  readonly less: (a: QueueEntry, b: QueueEntry) => boolean;
  /** Asks the PreEnqueue plugins of a profile, `first` (a name) before the others; the name of the one that holds the pod. */
  readonly gate: (profile: string, info: PodInfo, first: string) => string | undefined;
  /** Called when there is something to take. */
  readonly onAvailable: () => void;
  /** ms */
  readonly initialBackoff: number;
  readonly maxBackoff: number;
  /** After this long a pod is tried again without reason, ms. */
  readonly maxUnschedulable: number;
  /** For metrics. */
  readonly onIncoming?: (queue: "active" | "backoff" | "unschedulable", event: string) => void;
}

/**
 * Pods that want a node. `active` ones are tried, best first; ones turned down wait in the unschedulable pool until something happens
 * that may help (queueing hints), then in back-off. With nothing active, back-off is cut short.
 */
export class SchedulingQueue {
  readonly nominator = new Nominator();
  readonly #options: SchedulingQueueOptions;
  readonly #active: Heap<QueueEntry>;
  readonly #backoff: BackoffQueue;
  readonly #unschedulable = new UnschedulablePool();
  readonly #inFlight = new InFlight();
  /** All that are in one of the three pools. */
  readonly #entries = new Map<string, QueueEntry>();
  #backoffTimer: Timer | undefined;
  #backoffDue = Infinity;
  #leftoverTimer: Timer | undefined;
  #closed = false;

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
    this.#active = new Heap(options.less);
    this.#backoff = new BackoffQueue({
      now: () => options.clock.now(),
      less: options.less,
      initial: options.initialBackoff,
      max: options.maxBackoff,
    });
  }

  /** How many pods are where. */
  get sizes(): {
    readonly active: number;
    readonly backoff: number;
    readonly unschedulable: number;
    readonly gated: number;
  } {
    const { gated } = this.#unschedulable;
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable: this.#unschedulable.size - gated,
      gated,
    };
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** The pod with this UID, if it waits here. */
  get(uid: string): QueueEntry | undefined {
    return this.#entries.get(uid);
  }

  /** A new pod. */
  add(info: PodInfo): void {
    const entry = new QueueEntry(info, this.#now());
    this.#toActive(entry, Events.unscheduledPodAdd.label);
  }

  /** A pod that has no node yet changed. */
  update(before: PodInfo, after: PodInfo): void {
    const events = podUpdates(before.pod, after.pod);
    if (this.#inFlight.get(after.uid)) {
      for (const event of events) this.#inFlight.add({ event, before: before.pod, after: after.pod });
      return;
    }
    const entry = this.#entries.get(after.uid);
    if (!entry) {
      this.#toActive(new QueueEntry(after, this.#now()), Events.unscheduledPodUpdate.label);
      return;
    }
    this.nominator.update(before, after);
    if (entry.pool === "unschedulable") this.#updateUnschedulable(entry, before, after, events);
    else this.#replace(entry, after);
  }

  /** A pod is gone or has a node. */
  delete(uid: string): void {
    this.nominator.delete(uid);
    const entry = this.#entries.get(uid);
    if (entry) this.#leave(entry);
  }

  /** The best pod to try, from now on in flight: {@link done} or {@link putBack} must follow. */
  pop(): QueueEntry | undefined {
    const entry = this.#active.peek() ?? this.#backoff.popEarly();
    if (!entry) return undefined;
    this.#leave(entry);
    entry.pool = "inFlight";
    entry.attempts++;
    entry.unschedulablePlugins = new Set();
    entry.pendingPlugins = new Set();
    entry.gate = "";
    this.#inFlight.start(entry);
    return entry;
  }

  /** The pod will not come back from this flight. */
  done(uid: string): void {
    this.#inFlight.done(uid);
  }

  /** The pod comes back without a node; what happened meanwhile decides how soon it is tried again. */
  putBack(entry: QueueEntry): void {
    const { uid } = entry.info;
    try {
      if (this.#closed || this.#entries.has(uid)) return;
      if (entry.unschedulablePlugins.size === 0 && entry.pendingPlugins.size === 0) entry.consecutiveErrors++;
      else {
        entry.unschedulableCount++;
        entry.consecutiveErrors = 0;
      }
      entry.timestamp = this.#now();
      entry.backoffUntil = 0;
      this.#requeue(entry, this.#worthOfFlight(entry), "ScheduleAttemptFailure");
    } finally {
      this.#inFlight.done(uid);
    }
  }

  /** Something happened: brings back the pods it may help. `only` leaves out pods it cannot concern. */
  moveAll(event: ClusterEvent, before: unknown, after: unknown, only?: (info: PodInfo) => boolean): void {
    const plugins = this.#options.hints.interested(event);
    if (plugins.size === 0) return;
    const occurrence = { event, before, after };
    if (this.#unschedulable.size > 0) this.#move(this.#unschedulable.turnedDownBy(plugins), occurrence, only);
    this.#inFlight.add(occurrence);
  }

  /** Brings pods to the front door, whatever they wait for; those in flight when they come back. */
  activate(uids: Iterable<string>): void {
    for (const uid of uids) {
      const entry = this.#entries.get(uid);
      const flying = this.#inFlight.get(uid);
      if (entry && entry.pool !== "active") this.#toActive(entry, Events.forceActivate.label);
      else if (flying) this.#inFlight.add({ event: Events.forceActivate, before: undefined, after: flying.info.pod });
    }
  }

  /** Stops the timers; what comes later is ignored. */
  close(): void {
    this.#closed = true;
    this.#backoffTimer?.cancel();
    this.#leftoverTimer?.cancel();
  }

  #now(): number {
    return this.#options.clock.now();
  }

  #move(entries: Iterable<QueueEntry>, occurrence: Occurrence, only?: (info: PodInfo) => boolean): void {
    const { hints } = this.#options;
    for (const entry of entries) {
      if (only && !only(entry.info)) continue;
      if (entry.gate !== "" && !hints.mayOpen(entry, occurrence.event)) continue;
      const worth = hints.worth(entry, occurrence);
      if (worth !== "skip") this.#requeue(entry, worth, occurrence.event.label);
    }
  }

  #worthOfFlight(entry: QueueEntry): Requeue {
    if (entry.unschedulablePlugins.size === 0 && entry.pendingPlugins.size === 0) return "afterBackoff";
    let best: Requeue = "skip";
    for (const occurrence of this.#inFlight.seenBy(entry.info.uid)) {
      const worth = this.#options.hints.worth(entry, occurrence);
      if (worth === "immediately") return worth;
      if (worth === "afterBackoff") best = worth;
    }
    return best;
  }

  #updateUnschedulable(entry: QueueEntry, before: PodInfo, after: PodInfo, events: readonly ClusterEvent[]): void {
    entry.info = after;
    for (const event of events) {
      const worth = this.#options.hints.worth(entry, { event, before: before.pod, after: after.pod });
      this.#requeue(entry, worth, event.label);
      if (entry.pool !== "unschedulable") return;
    }
  }

  /** A changed pod keeps its pool, and gets the place there that it now deserves. */
  #replace(entry: QueueEntry, info: PodInfo): void {
    const heap = entry.pool === "active" ? this.#active : this.#backoff;
    heap.remove(entry);
    entry.info = info;
    if (entry.pool === "active") this.#active.push(entry);
    else this.#backoff.add(entry);
  }

  #requeue(entry: QueueEntry, worth: Requeue, event: string): void {
    if (worth === "skip") this.#toUnschedulable(entry, event);
    else if (worth === "afterBackoff" && this.#backoff.isBackingOff(entry)) this.#toBackoff(entry, event);
    else this.#toActive(entry, event);
  }

  #toActive(entry: QueueEntry, event: string): void {
    if (!this.#passesGates(entry, event)) return;
    this.#leave(entry);
    entry.firstAttempt ??= this.#now();
    entry.pool = "active";
    this.#entries.set(entry.info.uid, entry);
    this.#active.push(entry);
    if (event === Events.unscheduledPodAdd.label || event === Events.unscheduledPodUpdate.label) {
      this.nominator.add(entry.info, undefined);
    }
    this.#options.onIncoming?.("active", event);
    this.#options.onAvailable();
  }

  #toBackoff(entry: QueueEntry, event: string): void {
    if (!this.#passesGates(entry, event)) return;
    this.#leave(entry);
    entry.pool = "backoff";
    this.#entries.set(entry.info.uid, entry);
    this.#backoff.add(entry);
    this.#options.onIncoming?.("backoff", event);
    this.#armBackoff();
    this.#options.onAvailable();
  }

  #toUnschedulable(entry: QueueEntry, event: string): void {
    const moved = entry.pool !== "unschedulable";
    this.#leave(entry);
    entry.pool = "unschedulable";
    this.#entries.set(entry.info.uid, entry);
    this.#unschedulable.add(entry);
    if (moved) this.#options.onIncoming?.("unschedulable", event);
    this.#armLeftover();
  }

  #passesGates(entry: QueueEntry, event: string): boolean {
    const gate = this.#options.gate(profileOf(entry), entry.info, entry.gate);
    entry.gate = gate ?? "";
    if (gate === undefined) return true;
    entry.unschedulablePlugins = new Set([...entry.unschedulablePlugins, gate]);
    this.#toUnschedulable(entry, event);
    return false;
  }

  #leave(entry: QueueEntry): void {
    if (entry.pool === "active") this.#active.remove(entry);
    else if (entry.pool === "backoff") this.#backoff.remove(entry);
    else if (entry.pool === "unschedulable") this.#unschedulable.remove(entry);
    this.#entries.delete(entry.info.uid);
    entry.pool = "none";
  }

  #armBackoff(): void {
    const due = this.#backoff.nextDue;
    if (due === undefined || due >= this.#backoffDue || this.#closed) return;
    this.#backoffTimer?.cancel();
    this.#backoffDue = due;
    this.#backoffTimer = this.#options.clock.setTimer(due - this.#now(), () => {
      this.#backoffDue = Infinity;
      for (const entry of this.#backoff.popDue()) {
        // Gates were asked when it came into back-off.
        this.#leave(entry);
        entry.pool = "active";
        this.#entries.set(entry.info.uid, entry);
        this.#active.push(entry);
        this.#options.onIncoming?.("active", "BackoffComplete");
      }
      this.#armBackoff();
      this.#options.onAvailable();
    });
  }

  #armLeftover(): void {
    if (this.#leftoverTimer || this.#closed) return;
    this.#leftoverTimer = this.#options.clock.setTimer(LEFTOVER_PERIOD, () => {
      this.#leftoverTimer = undefined;
      const oldest = this.#now() - this.#options.maxUnschedulable;
      const late = [...this.#unschedulable.all()].filter((entry) => entry.timestamp < oldest);
      this.#move(late, { event: Events.unschedulableTimeout, before: undefined, after: undefined });
      if (this.#unschedulable.size > 0) this.#armLeftover();
    });
  }
}
