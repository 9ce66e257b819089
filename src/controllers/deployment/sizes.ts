import type { appsv1 } from "../../api/index.ts";
import { scaledValue } from "../../machinery/index.ts";
import { byAge, countAnnotation, DESIRED_REPLICAS, MAX_REPLICAS } from "./annotations.ts";

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;

/** Wanted pods; 1 when the field is absent, as the API defaults it. */
export function desiredReplicas(object: { readonly spec: { readonly replicas?: number } }): number {
  return object.spec.replicas ?? 1;
}

/** Whether the strategy replaces pods bit by bit. */
export function isRolling(deployment: Deployment): boolean {
  return deployment.spec.strategy.type === "RollingUpdate";
}

/** Surge and unavailability in pods. They never both come out as 0, or nothing could ever move. */
export function fenceposts(deployment: Deployment): { readonly surge: number; readonly unavailable: number } {
  const rolling = deployment.spec.strategy.rollingUpdate;
  const desired = desiredReplicas(deployment);
  const surge = scaledValue(rolling?.maxSurge ?? 0, desired, true);
  const unavailable = scaledValue(rolling?.maxUnavailable ?? 0, desired, false);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** Pods beyond the desired number that a rollout may have. */
export function maxSurge(deployment: Deployment): number {
  return isRolling(deployment) ? fenceposts(deployment).surge : 0;
}

/** Pods short of the desired number that a rollout may have. */
export function maxUnavailable(deployment: Deployment): number {
  const desired = desiredReplicas(deployment);
  if (!isRolling(deployment) || desired === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, desired);
}

/** Sum over the sets of what `count` says. */
export function sum(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number {
  return sets.reduce((total, set) => total + (count(set) ?? 0), 0);
}

/** The sets that want pods. */
export function activeSets(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return sets.filter((set) => desiredReplicas(set) > 0);
}

/** The size for the newest set: as many as desired, within what surge leaves beside the others. */
export function newSetSize(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const desired = desiredReplicas(deployment);
  if (!isRolling(deployment)) return desired;
  const surge = scaledValue(deployment.spec.strategy.rollingUpdate?.maxSurge ?? 0, desired, true);
  const room = desired + surge - sum(all, desiredReplicas);
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/** Whether the newest set holds all pods, of the Deployment's present size, and all are available. */
export function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  if (set === undefined) return false;
  const desired = desiredReplicas(deployment);
  return (
    desiredReplicas(set) === desired &&
    countAnnotation(set, DESIRED_REPLICAS) === desired &&
    (set.status.availableReplicas ?? 0) === desired
  );
}

/**
 * The only set with pods, or the newest one when none has any; `undefined` when several have, which then share a change
 * of size among them.
 */
export function activeOrLatest(newest: ReplicaSet | undefined, old: readonly ReplicaSet[]): ReplicaSet | undefined {
  const byNewest = old.toSorted((a, b) => byAge(b, a));
  const active = activeSets(newest === undefined ? byNewest : [...byNewest, newest]);
  if (active.length === 0) return newest ?? byNewest[0];
  return active.length === 1 ? active[0] : undefined;
}

/** A new size for one set. */
export interface Resize {
  readonly set: ReplicaSet;
  readonly to: number;
}

/**
 * Spreads a change of the Deployment's size over its active sets in proportion to their sizes, so that a rollout under way
 * keeps its proportions and its risk. Every active set is named, even when its size stays: its annotations may not.
 */
export function proportionalSizes(deployment: Deployment, all: readonly ReplicaSet[]): Resize[] {
  const desired = desiredReplicas(deployment);
  const sets = activeSets(all);
  const allowed = desired > 0 ? desired + maxSurge(deployment) : 0;
  const toAdd = allowed - sum(sets, desiredReplicas);
  const ordered = toAdd === 0 ? sets : sets.toSorted(toAdd > 0 ? bySizeNewer : bySizeOlder);
  let added = 0;
  const sizes = ordered.map((set) => {
    const share = toAdd === 0 ? 0 : proportion(deployment, set, toAdd, added);
    added += share;
    return { set, to: desiredReplicas(set) + share };
  });
  const largest = sizes[0];
  if (largest !== undefined && toAdd !== 0) {
    sizes[0] = { set: largest.set, to: Math.max(0, largest.to + toAdd - added) };
  }
  return sizes;
}

function proportion(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  if (desiredReplicas(set) === 0 || toAdd === added) return 0;
  const fraction = fractionOf(deployment, set);
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added);
}

function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const size = desiredReplicas(set);
  const desired = desiredReplicas(deployment);
  if (desired === 0) return -size;
  // A missing or zero annotation means that somebody tampered; the present size keeps the estimate in its limits.
  const before = countAnnotation(set, MAX_REPLICAS) || (deployment.status.replicas ?? 0);
  if (before === 0) return 0;
  const exact = (size * (desired + maxSurge(deployment))) / before;
  return Math.round(exact) - size;
}

function bySizeNewer(a: ReplicaSet, b: ReplicaSet): number {
  return desiredReplicas(b) - desiredReplicas(a) || byAge(b, a);
}

function bySizeOlder(a: ReplicaSet, b: ReplicaSet): number {
  return desiredReplicas(b) - desiredReplicas(a) || byAge(a, b);
}

/**
 * Which old sets a rolling update may shrink now, and to what: first their pods that are not available, since losing those
 * costs nothing, then as many available ones as minimum availability leaves over.
 */
export function shrinkOldSets(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Resize[] {
  const active = activeSets(old).toSorted(byAge);
  if (active.length === 0) return [];
  const minAvailable = desiredReplicas(deployment) - maxUnavailable(deployment);
  const total = sum([...old, newest], desiredReplicas);
  const newUnavailable = desiredReplicas(newest) - (newest.status.availableReplicas ?? 0);
  const budget = total - minAvailable - newUnavailable;
  if (budget <= 0) return [];
  const sizes = new Map(active.map((set) => [set, desiredReplicas(set)]));
  dropUnhealthy(sizes, budget);
  const available = sum([...active, newest], (set) => set.status.availableReplicas);
  dropSpare(sizes, available - minAvailable);
  return active.flatMap((set) => {
    const to = sizes.get(set) ?? 0;
    return to === desiredReplicas(set) ? [] : [{ set, to }];
  });
}

function dropUnhealthy(sizes: Map<ReplicaSet, number>, budget: number): void {
  let left = budget;
  for (const [set, size] of sizes) {
    const unhealthy = size - (set.status.availableReplicas ?? 0);
    const drop = Math.min(left, unhealthy);
    if (drop <= 0) continue;
    sizes.set(set, size - drop);
    left -= drop;
  }
}

function dropSpare(sizes: Map<ReplicaSet, number>, spare: number): void {
  let left = spare;
  for (const [set, size] of sizes) {
    const drop = Math.min(left, size);
    if (drop <= 0) continue;
    sizes.set(set, size - drop);
    left -= drop;
  }
}
