import type { appsv1 } from "../../api/index.ts";
import { formatTime, quote, tryParseTime } from "../../machinery/index.ts";
import { findCondition, withCondition, withoutCondition } from "../common/conditions.ts";
import { omitEmpty } from "../common/omit-empty.ts";
import { desiredReplicas, maxUnavailable, sum } from "./sizes.ts";

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;
type Status = appsv1.DeploymentStatus;
type Condition = appsv1.DeploymentCondition;

const NO_LIMIT = 2 ** 31 - 1;

/** Whether lack of progress is to be reported. */
export function hasProgressDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== NO_LIMIT;
}

/** A Progressing or Available condition as of `now`. */
export function condition(type: string, status: string, reason: string, message: string, now: number): Condition {
  const time = formatTime(now);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** `conditions` with `next` set the way Deployments do it: the transition time stays while the status does. */
export function setCondition(conditions: readonly Condition[] | undefined, next: Condition): Condition[] {
  return withCondition(conditions, next, { keepTransition: true });
}

/** The status that the sets make; conditions are those of `before` with Available brought up to date. */
export function plainStatus(
  deployment: Deployment,
  before: Status,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: number,
): Status {
  const available = sum(all, (set) => set.status.availableReplicas);
  const total = sum(all, desiredReplicas);
  const enough = available >= desiredReplicas(deployment) - maxUnavailable(deployment);
  const availability = enough
    ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    : condition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
        now,
      );
  const terminating = terminatingReplicas(all);
  return {
    ...omitEmpty<Omit<Status, "terminatingReplicas" | "collisionCount">>({
      observedGeneration: deployment.metadata.generation,
      replicas: sum(all, (set) => set.status.replicas),
      updatedReplicas: newest?.status.replicas,
      readyReplicas: sum(all, (set) => set.status.readyReplicas),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, total - available),
      conditions: setCondition(before.conditions, availability),
    }),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(before.collisionCount === undefined ? {} : { collisionCount: before.collisionCount }),
  };
}

/** Unknown as soon as one set that was looked at does not say. */
function terminatingReplicas(all: readonly ReplicaSet[]): number | undefined {
  let total = 0;
  for (const { status } of all) {
    if (status.terminatingReplicas !== undefined) total += status.terminatingReplicas;
    else if ((status.observedGeneration ?? 0) !== 0) return undefined;
  }
  return total;
}

/** All pods are of the newest template and available, and the controller has seen the latest spec. */
export function isComplete(deployment: Deployment, status: Status): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** The status during a rollout: {@link plainStatus} with the Progressing and ReplicaFailure conditions. */
export function rolloutStatus(
  deployment: Deployment,
  before: Status,
  newest: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  now: number,
): Status {
  const status = plainStatus(deployment, before, newest, all, now);
  let conditions = status.conditions ?? [];
  if (hasProgressDeadline(deployment)) conditions = progress(deployment, before, status, newest, now);
  else conditions = withoutCondition(conditions, "Progressing");
  const failure = replicaFailure(newest, all);
  conditions =
    failure === undefined ? withoutCondition(conditions, "ReplicaFailure") : setCondition(conditions, failure);
  return { ...status, conditions };
}

function progress(
  deployment: Deployment,
  before: Status,
  status: Status,
  newest: ReplicaSet | undefined,
  now: number,
): Condition[] {
  const conditions = status.conditions ?? [];
  const current = findCondition(before.conditions, "Progressing");
  const settled = (status.replicas ?? 0) === (status.updatedReplicas ?? 0);
  if (settled && current?.reason === "NewReplicaSetAvailable") return conditions;
  const who =
    newest === undefined
      ? `Deployment ${quote(deployment.metadata.name)}`
      : `ReplicaSet ${quote(newest.metadata.name)}`;
  const say = (status: string, reason: string, what: string): Condition =>
    condition("Progressing", status, reason, `${who} ${what}`, now);
  if (isComplete(deployment, status)) {
    return setCondition(conditions, say("True", "NewReplicaSetAvailable", "has successfully progressed."));
  }
  if (isProgressing(before, status)) {
    // Set even when reason and status stay, since the update time is what the deadline counts from.
    const next = say("True", "ReplicaSetUpdated", "is progressing.");
    const since = current?.status === "True" ? current.lastTransitionTime : undefined;
    const moved = since === undefined ? next : { ...next, lastTransitionTime: since };
    return [...withoutCondition(conditions, "Progressing"), moved];
  }
  if (isTimedOut(deployment, status, now)) {
    return setCondition(conditions, say("False", "ProgressDeadlineExceeded", "has timed out progressing."));
  }
  return conditions;
}

/** More new pods, fewer old ones, more ready or more available ones than before. */
function isProgressing(before: Status, after: Status): boolean {
  const old = (status: Status): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(deployment: Deployment, status: Status, now: number): boolean {
  const current = findCondition(status.conditions, "Progressing");
  if (current === undefined || current.reason === "NewReplicaSetAvailable") return false;
  if (current.reason === "ProgressDeadlineExceeded") return true;
  const from = tryParseTime(current.lastUpdateTime) ?? 0;
  return from + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000 < now;
}

/** The failure of the newest set, or of any other, as a Deployment's condition. */
function replicaFailure(newest: ReplicaSet | undefined, all: readonly ReplicaSet[]): Condition | undefined {
  for (const set of newest === undefined ? all : [newest, ...all]) {
    const failure = findCondition(set.status.conditions, "ReplicaFailure");
    if (failure !== undefined) {
      return failure.lastTransitionTime === undefined
        ? { ...failure }
        : { ...failure, lastUpdateTime: failure.lastTransitionTime };
    }
  }
  return undefined;
}

/**
 * Milliseconds until the progress deadline passes, when somebody has to look again; `undefined` when nothing is under way.
 */
export function progressCheckIn(deployment: Deployment, status: Status, now: number): number | undefined {
  const current = findCondition(status.conditions, "Progressing");
  if (!hasProgressDeadline(deployment) || current === undefined) return undefined;
  if (isComplete(deployment, status) || current.reason === "ProgressDeadlineExceeded") return undefined;
  if (current.reason === "NewReplicaSetAvailable") return undefined;
  const deadline =
    (tryParseTime(current.lastUpdateTime) ?? now) + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
  // Past the deadline by a second, so that the comparison there cannot fail by a rounded timestamp.
  return Math.max(deadline - now, 0) + 1000;
}
