import type { Resource } from "../../api/index.ts";
import type { CachedObject, Client, Informer } from "../../client/index.ts";
import type { Env } from "../../kit/index.ts";
import type { corev1 } from "../../api/index.ts";
import type { ClusterCache } from "../cache/cluster-cache.ts";
import type { NodeView } from "../cache/node-view.ts";
import type { PodInfo } from "../cache/pod-info.ts";
import type { ClusterEvent, QueueingHint } from "./cluster-event.ts";
import type { SchedulingCycle } from "./cycle.ts";
import type { NodeVerdicts } from "./diagnosis.ts";
import type { Status } from "./status.ts";
import type { SchedulerExtender } from "./extender.ts";
import type { SchedulerMetrics } from "../metrics.ts";

/** The best score a node can get from a plugin; the worst is 0. */
export const MAX_NODE_SCORE = 100;

/** A pod in the scheduling queue. */
export interface QueuedPod {
  readonly info: PodInfo;
  /** When it came into the queue, last, ms since the epoch. */
  readonly timestamp: number;
  readonly attempts: number;
}

/** What PreFilter found out. Without a status, all is well. */
export interface PreFilterResult {
  readonly status?: Status;
  /** The only nodes worth looking at. */
  readonly nodeNames?: ReadonlySet<string>;
}

/** What PostFilter did. */
export interface PostFilterResult {
  /** Absent: success, the pod will fit where it is nominated. */
  readonly status?: Status;
  /** The node to nominate; empty: take the nomination back; absent: leave it as it is. */
  readonly nominatedNode?: string;
}

/** An event that may make a pod schedulable which the plugin turned down. */
export interface EventInterest {
  readonly event: Pick<ClusterEvent, "resource" | "action">;
  /**
   * Whether the event helps `pod`. `before` and `after` are the object; one is absent when it was added or deleted. Without a hint, it
   * always does. Called for every waiting pod that the plugin turned down: be quick.
   */
  readonly hint?: (pod: corev1.Pod, before: unknown, after: unknown) => QueueingHint;
}

/**
 * A scheduler plugin: any subset of the extension points, called in the order they stand here. Built-in plugins implement this very
 * interface. Decisions (up to Permit) are synchronous and must not wait; Permit's waiting, PreBind and Bind may. An exception
 * counts as an `Error` status. A plugin is made once per profile and keeps what concerns one pod in the cycle.
 *
 * Filter and Score come in two forms. One looks at one node (`filter`, `score`). The other, for speed, looks at many at once by
 * their slots in the columns (`filterNodes`, `scoreNodes`); a plugin that has it need not have the first.
 */
export interface SchedulerPlugin {
  readonly name: string;

  /** Whether the pod may enter the queue. A refusal parks it until one of the plugin's events. */
  preEnqueue?(pod: PodInfo): Status | undefined;

  /** Whether `a` is to be scheduled before `b`. Exactly one plugin of a profile has it, and it is the same in all profiles. */
  less?(a: QueuedPod, b: QueuedPod): boolean;

  /** Events that may make pods schedulable which it turned down. Without it, any event may. Asked once, at the start. */
  events?(): readonly EventInterest[];

  /** Prepares the cycle. `SKIP` leaves the plugin's Filter out. */
  preFilter?(cycle: SchedulingCycle): PreFilterResult | undefined;

  /** Whether the pod can be on a node. */
  filter?(cycle: SchedulingCycle, node: NodeView): Status | undefined;

  /**
   * The same for the first `count` of `slots`: puts `cycle.rejection(status)` into `verdicts[slot]` of those that cannot have the pod,
   * leaves the others alone, and returns how many it refused.
   */
  filterNodes?(cycle: SchedulingCycle, slots: Int32Array, count: number, verdicts: Int32Array): number;

  /** A pod is supposed on (or off) a node, after PreFilter: brings up to date what the plugin keeps in the cycle beside the columns. */
  addPod?(cycle: SchedulingCycle, pod: PodInfo, node: NodeView): void;
  removePod?(cycle: SchedulingCycle, pod: PodInfo, node: NodeView): void;

  /** No node can have the pod: whether something can be done about it. */
  postFilter?(cycle: SchedulingCycle, verdicts: NodeVerdicts): PostFilterResult | Promise<PostFilterResult>;

  /** Prepares scoring of the nodes that passed. `SKIP` leaves the plugin's Score out: right, too, when all would get the same. */
  preScore?(cycle: SchedulingCycle, slots: Int32Array, count: number): Status | undefined;

  /** How well the pod would be on a node; whatever scale, if there is `normalizeScores`, else 0 to 100. */
  score?(cycle: SchedulingCycle, node: NodeView): number;

  /** The same for the first `count` of `slots`, put into `scores` at the same index. */
  scoreNodes?(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void;

  /** Brings the scores to 0 to 100. */
  normalizeScores?(cycle: SchedulingCycle, slots: Int32Array, count: number, scores: Float64Array): void;

  /** Sets aside what the pod needs; the pod counts on the node already. `unreserve` undoes it, may come without it, must not fail. */
  reserve?(cycle: SchedulingCycle, node: string): Status | undefined;
  unreserve?(cycle: SchedulingCycle, node: string): void;

  /** Lets the pod go on, turns it down, or (`Wait`, with a timeout) holds it until `PluginHandle.waitingPod(uid).allow(name)`. */
  permit?(cycle: SchedulingCycle, node: string): Status | undefined;

  /** Whether PreBind will have something to do: then the node is nominated before. `SKIP`: nothing. */
  preBindPreFlight?(cycle: SchedulingCycle, node: string): Status | undefined;

  /** The last work before binding. */
  preBind?(cycle: SchedulingCycle, node: string, signal: AbortSignal): Promise<Status | undefined> | Status | undefined;

  /** Binds, or leaves it to the next one (`SKIP`). */
  bind?(cycle: SchedulingCycle, node: string, signal: AbortSignal): Promise<Status | undefined>;

  /** The pod is bound. */
  postBind?(cycle: SchedulingCycle, node: string): void;

  /** The scheduler stops. */
  close?(): void;
}

/** A pod held by Permit. */
export interface WaitingPod {
  readonly info: PodInfo;
  /** The plugins that still hold it. */
  readonly holders: readonly string[];
  allow(plugin: string): void;
  reject(plugin: string, message: string): void;
}

/** What a plugin may use of the scheduler. */
export interface PluginHandle {
  readonly env: Env;
  readonly client: Client;
  readonly cache: ClusterCache;
  readonly metrics: SchedulerMetrics;
  /** External helpers, of the configuration. */
  readonly extenders: readonly SchedulerExtender[];
  /** The scheduler name of the profile. */
  readonly profile: string;
  /** A local copy of a resource, shared; ask for it while the plugin is being made. */
  informer<T extends CachedObject>(resource: Resource<T>): Informer<T>;
  /** Something that the plugins of all profiles share, made by the first that asks for it. */
  shared<T>(key: string, make: () => T): T;
  /** Pods nominated to a node, by whoever. */
  nominatedPods(node: string): readonly PodInfo[];
  /** Whether all filters pass for the cycle's pod on one node as the columns now stand, nominated pods taken into account. */
  passesFilters(cycle: SchedulingCycle, slot: number): Status | undefined;
  /** What-if: takes a pod off its node, or puts it on one, in the columns and in the cycle's plugins. */
  withdraw(cycle: SchedulingCycle, pod: PodInfo): void;
  restore(cycle: SchedulingCycle, pod: PodInfo, slot: number): void;
  waitingPod(uid: string): WaitingPod | undefined;
  /** Puts pods (by UID) that wait, for whatever, to the front door of the queue. */
  activate(uids: Iterable<string>): void;
  /** Records an event about a pod. */
  event(
    pod: corev1.Pod,
    event: {
      readonly type: "Normal" | "Warning";
      readonly reason: string;
      readonly action: string;
      readonly note: string;
      readonly related?: corev1.Pod;
    },
  ): void;
}

/** Makes a plugin for one profile. `args` are the profile's `pluginConfig` for it, defaulted and checked for built-in plugins. */
export type PluginFactory = (args: unknown, handle: PluginHandle) => SchedulerPlugin;
