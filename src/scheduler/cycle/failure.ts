import { errorText } from "../../kit/index.ts";
import type { SchedulingCycle } from "../framework/cycle.ts";
import { isRejected, messageOf, type Status } from "../framework/status.ts";
import type { Profile } from "../framework/profile.ts";
import type { Nomination } from "../queue/nominator.ts";
import type { QueueEntry } from "../queue/queued-pod.ts";
import type { SchedulerParts } from "./parts.ts";
import { patchPodStatus } from "./pod-status.ts";

/** How an attempt failed. */
export interface Failure {
  readonly status: Status;
  /** In full; the condition has it. */
  readonly message: string;
  readonly unschedulablePlugins: ReadonlySet<string>;
  readonly pendingPlugins: ReadonlySet<string>;
  /** What becomes of the pod's nomination. */
  readonly nomination: Nomination;
}

const NOBODY: ReadonlySet<string> = new Set();
/** No node is promised any more. */
export const NOT_NOMINATED: Nomination = Object.freeze({ node: "" });

/** The failure of a status that one plugin gave, or that was a fault. */
export function failureOf(status: Status, nomination: Nomination = NOT_NOMINATED): Failure {
  const plugin = isRejected(status) && status.plugin ? new Set([status.plugin]) : NOBODY;
  return {
    status,
    message: messageOf(status),
    unschedulablePlugins: plugin,
    pendingPlugins: status.code === "Pending" ? plugin : NOBODY,
    nomination,
  };
}

/**
 * A pod got no node: puts it back into the queue, unless it is gone or has a node after all, and tells the world by an event and by the pod's
 * condition.
 */
export function handleFailure(
  parts: SchedulerParts,
  profile: Profile,
  entry: QueueEntry,
  failure: Failure,
  start: number,
): void {
  const { env, log, queue, metrics } = parts;
  const { pod } = entry.info;
  const rejected = isRejected(failure.status);
  metrics.attempt(rejected ? "unschedulable" : "error", profile.name, (env.clock.monotonic() - start) / 1000);
  if (rejected) log.debug("Unable to schedule pod", { pod: entry.info.key, reason: failure.message });
  else log.error("Error scheduling pod; retrying", { pod: entry.info.key, error: failure.message });
  entry.unschedulablePlugins = failure.unschedulablePlugins;
  entry.pendingPlugins = failure.pendingPlugins;
  const latest = parts.latest(entry.info.key);
  if (!latest || latest.metadata.uid !== entry.info.uid || latest.spec.nodeName) {
    queue.done(entry.info.uid);
    queue.nominator.delete(entry.info.uid);
    return;
  }
  if (latest !== pod) entry.info = parts.cache.reader.read(latest);
  queue.putBack(entry);
  queue.nominator.add(entry.info, failure.nomination);
  parts.recorders.get(profile.name)?.record(pod, {
    type: "Warning",
    reason: "FailedScheduling",
    action: "Scheduling",
    note: failure.message,
  });
  const condition = {
    type: "PodScheduled",
    status: "False",
    reason: rejected ? "Unschedulable" : "SchedulerError",
    message: failure.message,
  } as const;
  const change = { condition, nomination: failure.nomination };
  patchPodStatus(parts.client, latest, change, env.clock.now()).catch((error: unknown) => {
    log.warn("Pod status not updated", { pod: entry.info.key, error: errorText(error) });
  });
}

/** Undoes what the cycle set aside: the pod counts on no node any more. Returns whether it had counted. */
export function undo({ cache }: SchedulerParts, profile: Profile, cycle: SchedulingCycle, node: string): boolean {
  profile.runUnreserve(cycle, node);
  return cache.forget(cycle.info.uid);
}
