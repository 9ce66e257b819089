import { errorText } from "../../kit/index.ts";
import { Events } from "../framework/cluster-event.ts";
import type { SchedulingCycle } from "../framework/cycle.ts";
import type { Profile } from "../framework/profile.ts";
import { failed, isRejected, type Status } from "../framework/status.ts";
import { fitMessage } from "../framework/diagnosis.ts";
import type { QueueEntry } from "../queue/queued-pod.ts";
import { failureOf, handleFailure, NOT_NOMINATED, undo } from "./failure.ts";
import type { SchedulerParts } from "./parts.ts";
import { patchPodStatus } from "./pod-status.ts";

/** An assumed pod on its way to be bound. */
export interface Departure {
  readonly entry: QueueEntry;
  readonly profile: Profile;
  readonly cycle: SchedulingCycle;
  readonly node: string;
  /** Who holds it at Permit, with how long, ms. */
  readonly holders: ReadonlyMap<string, number>;
  /** When the attempt began, monotonic ms. */
  readonly start: number;
}

/** After a binding was acknowledged, the watch should show it within this time, ms. */
const CONFIRMED_WITHIN = 30_000;

/** Waits for Permit, prepares and binds. Never rejects; a failure puts the pod back into the queue. */
export async function bindPod(parts: SchedulerParts, departure: Departure, signal: AbortSignal): Promise<void> {
  const { entry, profile, cycle, node, holders, start } = departure;
  const { queue, env } = parts;
  const flight = profile.plugins.preBind.length > 0 ? profile.runPreBindPreFlight(cycle, node) : false;
  if (typeof flight === "object") return bindingFailed(parts, departure, flight);
  if (flight || holders.size > 0) void announce(parts, departure);
  const refused = holders.size > 0 ? await parts.waiting.hold(entry.info, holders) : undefined;
  if (refused) return bindingFailed(parts, departure, refused);
  // From here on no event can change the outcome.
  queue.done(entry.info.uid);
  const status =
    (flight ? await profile.runPreBind(cycle, node, signal) : undefined) ??
    (await (bindByExtender(parts, cycle, node) ?? profile.runBind(cycle, node, signal)));
  if (status) return bindingFailed(parts, departure, status);
  parts.cache.finishBinding(entry.info.uid, env.clock.monotonic() + CONFIRMED_WITHIN);
  bound(parts, departure, (env.clock.monotonic() - start) / 1000);
}

/** The one extender that binds, for pods it has to do with. */
function bindByExtender(
  { extenders, log }: SchedulerParts,
  { pod }: SchedulingCycle,
  node: string,
): Promise<Status | undefined> | undefined {
  const binder = extenders.find((one) => one.binds && one.isInterested(pod));
  if (!binder) return undefined;
  return binder.bind(pod, node).then(
    () => undefined,
    (error: unknown) => {
      log.warn("Extender did not bind", { extender: binder.name, error: errorText(error) });
      return failed(error);
    },
  );
}

function bound(parts: SchedulerParts, { entry, profile, cycle, node }: Departure, seconds: number): void {
  const { namespace, name } = entry.info.pod.metadata;
  parts.recorders.get(profile.name)?.record(entry.info.pod, {
    type: "Normal",
    reason: "Scheduled",
    action: "Binding",
    note: `Successfully assigned ${namespace}/${name} to ${node}`,
  });
  parts.metrics.attempt("scheduled", profile.name, seconds);
  parts.metrics.scheduled(entry.attempts, (parts.env.clock.now() - (entry.firstAttempt ?? 0)) / 1000);
  profile.runPostBind(cycle, node);
  if (cycle.podsToActivate.size > 0) parts.queue.activate(cycle.podsToActivate);
}

/** Lets autoscalers and others know early where a pod will be that takes long to bind. */
async function announce(parts: SchedulerParts, { entry, node }: Departure): Promise<void> {
  try {
    await patchPodStatus(parts.client, entry.info.pod, { nomination: { node } }, parts.env.clock.now());
  } catch (error) {
    parts.log.warn("Nominated node not announced", { pod: entry.info.key, node, error: errorText(error) });
  }
}

function bindingFailed(parts: SchedulerParts, departure: Departure, status: Status): void {
  const { entry, profile, cycle, node, start } = departure;
  const { queue } = parts;
  const rejected = isRejected(status);
  const counted = undo(parts, profile, cycle, node);
  // What the pod had taken is free again: for a refused pod, others may use it, but it brings that pod itself nothing.
  const release = (only?: (uid: string) => boolean): void =>
    queue.moveAll(Events.assignedPodDelete, entry.info.pod, undefined, only && ((info) => only(info.uid)));
  if (counted && !rejected) release();
  const base = failureOf(status, NOT_NOMINATED);
  const message = rejected ? oneNodeMessage(status) : base.message;
  handleFailure(parts, profile, entry, { ...base, message }, start);
  if (counted && rejected) release((uid) => uid !== entry.info.uid);
}

/** A refusal by Reserve or Permit, as of the one node that was left. */
export function oneNodeMessage(status: Status): string {
  const none: ReadonlySet<string> = new Set();
  const histogram = new Map(status.reasons.map((reason) => [reason, 1]));
  return fitMessage({ nodeCount: 1, histogram, unschedulablePlugins: none, pendingPlugins: none });
}
