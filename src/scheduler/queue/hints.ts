import type { Logger } from "../../kit/index.ts";
import { errorText } from "../../kit/index.ts";
import { Action, type ClusterEvent, covers, type EventResource, isWildcard } from "../framework/cluster-event.ts";
import type { EventInterest, SchedulerPlugin } from "../framework/plugin.ts";
import type { Occurrence } from "./in-flight.ts";
import type { QueueEntry } from "./queued-pod.ts";

/** Whether and how soon a pod is to be tried again. */
export type Requeue = "skip" | "afterBackoff" | "immediately";

const ANYTHING: readonly EventResource[] = [
  "Pod",
  "Node",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "CSINode",
  "CSIDriver",
  "CSIStorageCapacity",
  "StorageClass",
  "ResourceClaim",
  "DeviceClass",
];
const ALL: readonly EventInterest[] = ANYTHING.map((resource) => ({ event: { resource, action: Action.All } }));

/** Extension points at which a plugin can turn a pod down. */
const REFUSING = ["preEnqueue", "preFilter", "filter", "filterNodes", "reserve", "permit", "preBind", "bind"] as const;

/** What the plugins of all profiles want to hear of. */
export class QueueingHints {
  /** Profile → plugin → interests. */
  readonly #profiles = new Map<string, ReadonlyMap<string, readonly EventInterest[]>>();
  /** By the event's label. */
  readonly #interested = new Map<string, ReadonlySet<string>>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Enters a profile; `more` are names that stand for no plugin and want to hear of everything. */
  addProfile(name: string, plugins: Iterable<SchedulerPlugin>, more: readonly string[] = []): void {
    const interests = new Map<string, readonly EventInterest[]>();
    for (const plugin of plugins) {
      if (REFUSING.some((point) => plugin[point] !== undefined)) interests.set(plugin.name, plugin.events?.() ?? ALL);
    }
    for (const other of more) interests.set(other, ALL);
    this.#profiles.set(name, interests);
    this.#interested.clear();
  }

  /** The resources anybody wants to hear of. */
  resources(): Set<EventResource> {
    const found = new Set<EventResource>();
    for (const profile of this.#profiles.values()) {
      for (const interests of profile.values()) for (const { event } of interests) found.add(event.resource);
    }
    return found;
  }

  /** The plugins, of whatever profile, that want to hear of an event. */
  interested(event: ClusterEvent): ReadonlySet<string> {
    const known = this.#interested.get(event.label);
    if (known) return known;
    const found = new Set<string>();
    this.#interested.set(event.label, found);
    for (const profile of this.#profiles.values()) {
      for (const [plugin, interests] of profile) {
        if (interests.some((interest) => covers(interest.event, event))) found.add(plugin);
      }
    }
    return found;
  }

  /** Whether an event may lift what a gate holds. */
  mayOpen(entry: QueueEntry, event: ClusterEvent): boolean {
    const interests = this.#profiles.get(profileOf(entry))?.get(entry.gate) ?? [];
    return interests.some((interest) => covers(interest.event, event));
  }

  /** Asks the plugins that turned the pod down, and only those, whether an event helps. */
  worth(entry: QueueEntry, occurrence: Occurrence): Requeue {
    const { unschedulablePlugins: refused, pendingPlugins: pending } = entry;
    if (refused.size === 0 && pending.size === 0) return "afterBackoff";
    if (isWildcard(occurrence.event)) return this.#wildcard(entry, occurrence);
    const profile = this.#profiles.get(profileOf(entry));
    if (!profile) return "afterBackoff";
    if (this.#anyQueues(profile, pending, entry, occurrence)) return "immediately";
    return this.#anyQueues(profile, refused, entry, occurrence) ? "afterBackoff" : "skip";
  }

  /** An event for everybody; with an object, for that pod alone. */
  #wildcard(entry: QueueEntry, { after }: Occurrence): Requeue {
    const only = after as { readonly metadata?: { readonly uid?: string } } | undefined;
    return only === undefined || only.metadata?.uid === entry.info.uid ? "afterBackoff" : "skip";
  }

  #anyQueues(
    profile: ReadonlyMap<string, readonly EventInterest[]>,
    plugins: ReadonlySet<string>,
    entry: QueueEntry,
    occurrence: Occurrence,
  ): boolean {
    for (const plugin of plugins) {
      for (const { event, hint } of profile.get(plugin) ?? []) {
        if (!covers(event, occurrence.event)) continue;
        try {
          if (!hint || hint(entry.info.pod, occurrence.before, occurrence.after) === "Queue") return true;
        } catch (error) {
          this.#log.error("Queueing hint failed", { plugin, pod: entry.info.key, error: errorText(error) });
          return true;
        }
      }
    }
    return false;
  }
}

/** The profile that is to schedule a pod. */
export function profileOf(entry: { readonly info: QueueEntry["info"] }): string {
  return entry.info.pod.spec.schedulerName ?? "default-scheduler";
}
