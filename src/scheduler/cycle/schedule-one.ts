import { errorText } from "../../kit/index.ts";
import { SchedulingCycle } from "../framework/cycle.ts";
import { fitMessage } from "../framework/diagnosis.ts";
import type { Profile } from "../framework/profile.ts";
import { failed, isRejected, type Status, unresolvable, unschedulable } from "../framework/status.ts";
import type { Nomination } from "../queue/nominator.ts";
import type { QueueEntry } from "../queue/queued-pod.ts";
import { profileOf } from "../queue/hints.ts";
import type { Misfit, Outcome } from "./algorithm.ts";
import { type Departure, oneNodeMessage } from "./binding.ts";
import { type Failure, failureOf, handleFailure, NOT_NOMINATED, undo } from "./failure.ts";
import type { SchedulerParts } from "./parts.ts";

const NOBODY: ReadonlySet<string> = new Set();

/**
 * Finds a node for one pod and counts the pod there. Gives the departure of a pod that is to be bound; undefined when it got no node, and was
 * dealt with. Synchronous unless extenders or an asynchronous PostFilter are asked.
 */
export function scheduleOne(
  parts: SchedulerParts,
  entry: QueueEntry,
): Departure | undefined | Promise<Departure | undefined> {
  const profile = parts.profiles.get(profileOf(entry));
  if (!profile || shouldSkip(parts, profile, entry)) {
    parts.queue.done(entry.info.uid);
    return undefined;
  }
  const start = parts.env.clock.monotonic();
  const cycle = new SchedulingCycle(entry.info, parts.cache, entry.attempts);
  try {
    const outcome = parts.algorithm.find(cycle, profile);
    if (outcome instanceof Promise) {
      return outcome.then(
        (found) => conclude(parts, profile, entry, cycle, found, start),
        (error: unknown) => fail(parts, profile, entry, failureOf(failed(error)), start),
      );
    }
    return conclude(parts, profile, entry, cycle, outcome, start);
  } catch (error) {
    return fail(parts, profile, entry, failureOf(failed(error)), start);
  }
}

function shouldSkip({ cache, recorders }: SchedulerParts, profile: Profile, { info }: QueueEntry): boolean {
  const { pod } = info;
  if (pod.metadata.deletionTimestamp !== undefined) {
    const note = `skip schedule deleting pod: ${info.key}`;
    recorders
      .get(profile.name)
      ?.record(pod, { type: "Warning", reason: "FailedScheduling", action: "Scheduling", note });
    return true;
  }
  return cache.isAssumed(info.uid);
}

function fail(parts: SchedulerParts, profile: Profile, entry: QueueEntry, failure: Failure, start: number): undefined {
  handleFailure(parts, profile, entry, failure, start);
  return undefined;
}

function conclude(
  parts: SchedulerParts,
  profile: Profile,
  entry: QueueEntry,
  cycle: SchedulingCycle,
  outcome: Outcome,
  start: number,
): Departure | undefined | Promise<Departure | undefined> {
  parts.metrics.algorithm((parts.env.clock.monotonic() - start) / 1000);
  if (outcome.kind === "placed") return take(parts, profile, entry, cycle, outcome.node, start);
  if (outcome.kind === "noNodes") {
    const status = unresolvable("no nodes available to schedule pods");
    return fail(parts, profile, entry, failureOf(status), start);
  }
  const nodeCount = cycle.nodes.count;
  const histogram = outcome.verdicts.histogram();
  const finish = (message: string, nomination: Nomination): undefined =>
    fail(parts, profile, entry, misfitFailure(outcome, nodeCount, histogram, message, nomination), start);
  if (profile.plugins.postFilter.length === 0) return finish("", NOT_NOMINATED);
  return profile
    .runPostFilter(cycle, outcome.verdicts)
    .then(({ message, nominatedNode }) =>
      finish(message, nominatedNode === undefined ? undefined : { node: nominatedNode }),
    );
}

function misfitFailure(
  misfit: Misfit,
  nodeCount: number,
  histogram: ReadonlyMap<string, number>,
  postFilterMessage: string,
  nomination: Nomination,
): Failure {
  const { unschedulablePlugins, pendingPlugins, preFilterMessage } = misfit;
  const message = fitMessage({
    nodeCount,
    histogram,
    ...(preFilterMessage !== undefined && { preFilterMessage }),
    postFilterMessage,
    unschedulablePlugins,
    pendingPlugins,
  });
  return { status: unschedulable(message), message, unschedulablePlugins, pendingPlugins, nomination };
}

/** Counts the pod on its node, reserves and asks for permission. */
function take(
  parts: SchedulerParts,
  profile: Profile,
  entry: QueueEntry,
  cycle: SchedulingCycle,
  node: string,
  start: number,
): Departure | undefined {
  const { cache, queue } = parts;
  if (!cache.assume(entry.info, node)) {
    return fail(parts, profile, entry, failureOf(failed(new Error(`pod ${entry.info.key} has a node already`))), start);
  }
  queue.nominator.delete(entry.info.uid);
  const reserved = profile.plugins.reserve.length > 0 ? profile.runReserve(cycle, node) : undefined;
  if (reserved) return turnDown(parts, profile, entry, cycle, node, reserved, start);
  const permit = profile.plugins.permit.length > 0 ? profile.runPermit(cycle, node) : undefined;
  if (permit?.status) return turnDown(parts, profile, entry, cycle, node, permit.status, start);
  if (cycle.podsToActivate.size > 0) {
    queue.activate(cycle.podsToActivate);
    cycle.podsToActivate.clear();
  }
  return { entry, profile, cycle, node, holders: permit?.holders ?? NO_HOLDERS, start };
}

const NO_HOLDERS: ReadonlyMap<string, number> = new Map();

function turnDown(
  parts: SchedulerParts,
  profile: Profile,
  entry: QueueEntry,
  cycle: SchedulingCycle,
  node: string,
  status: Status,
  start: number,
): undefined {
  undo(parts, profile, cycle, node);
  const base = failureOf(status, NOT_NOMINATED);
  const message = isRejected(status) ? oneNodeMessage(status) : errorText(status.error ?? base.message);
  const plugins = status.plugin ? new Set([status.plugin]) : NOBODY;
  return fail(
    parts,
    profile,
    entry,
    { ...base, message, unschedulablePlugins: isRejected(status) ? plugins : NOBODY },
    start,
  );
}
