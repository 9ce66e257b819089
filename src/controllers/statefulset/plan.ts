import type { appsv1, corev1 } from "../../api/index.ts";
import { scaledValue } from "../../machinery/index.ts";
import { isPodAvailable, isPodReady, isPodTerminal } from "../common/pods.ts";
import { claimName, claimOwners, type ClaimPod, isStale } from "./claims.ts";
import { conformed, firstOrdinal, isWanted, newPod, type NewPod, ordinalOf, revisionOf } from "./identity.ts";

type StatefulSet = appsv1.StatefulSet;
type Pod = corev1.Pod;
type Claim = corev1.PersistentVolumeClaim;

/** A revision as far as pods are concerned. */
export interface Template {
  readonly name: string;
  readonly template: corev1.PodTemplateSpec;
}

/** What a plan is made of. */
export interface StatefulWorld {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  readonly current: Template;
  readonly update: Template;
  /** The claim of that name, when there is one. */
  claim(name: string): Claim | undefined;
  readonly now: number;
}

/** One thing to do for one pod. */
export type Step =
  | { readonly do: "create"; readonly pod: NewPod; readonly ordinal: number }
  | { readonly do: "delete"; readonly pod: Pod }
  /** Creates claims that are missing. */
  | { readonly do: "claims"; readonly pod: Pod; readonly ordinal: number }
  /** Gives pod and claims the labels and owners that they should have. */
  | { readonly do: "conform"; readonly pod: Pod; readonly ordinal: number };

/**
 * What to do now. Phases come one after the other, and a failure in one puts off the rest; within a phase steps are taken in order
 * (`ordered`) or at once.
 */
export interface StatefulPlan {
  readonly phases: readonly (readonly Step[])[];
  readonly ordered: boolean;
  /** Claims that must vanish before their pods can be created. */
  readonly waitFor: readonly string[];
}

interface Place {
  readonly ordinal: number;
  readonly pod: Pod | undefined;
}

/** Decides one round. With ordered pods a round ends at the first pod that is not as it should be. */
export function planStateful(world: StatefulWorld): StatefulPlan {
  const { set, pods } = world;
  const ordered = isOrdered(set);
  if (set.metadata.deletionTimestamp !== undefined) return { phases: [], ordered, waitFor: [] };
  const { places, condemned } = sortPods(set, pods);
  const plan = { phases: [] as Step[][], ordered, waitFor: [] as string[] };
  if (planPlaces(world, places, plan)) return plan;
  const orphaned = condemned.filter((pod) => !claimsConform(world, pod, ordinalOf(pod)));
  plan.phases.push(orphaned.map((pod) => ({ do: "conform", pod, ordinal: ordinalOf(pod) })));
  if (planCondemned(world, places, condemned, plan)) return plan;
  if (set.spec.updateStrategy.type !== "OnDelete") plan.phases.push(planUpdate(world, places));
  return plan;
}

/** The places that the set wants filled, in order, and pods beyond them, highest first. */
function sortPods(set: StatefulSet, pods: readonly Pod[]): { places: Place[]; condemned: Pod[] } {
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod), pod]));
  const first = firstOrdinal(set);
  const places = Array.from({ length: set.spec.replicas ?? 1 }, (_, i) => {
    const ordinal = first + i;
    return { ordinal, pod: byOrdinal.get(ordinal) };
  });
  const condemned = pods.filter((pod) => ordinalOf(pod) >= 0 && !isWanted(set, ordinalOf(pod)));
  return { places, condemned: condemned.toSorted((a, b) => ordinalOf(b) - ordinalOf(a)) };
}

interface Draftable {
  readonly phases: Step[][];
  readonly ordered: boolean;
  readonly waitFor: string[];
}

/** Says whether the round ends here. */
function planPlaces(world: StatefulWorld, places: readonly Place[], plan: Draftable): boolean {
  const steps: Step[] = [];
  plan.phases.push(steps);
  for (const place of places) {
    const done = place.pod === undefined ? fill(world, place, steps, plan) : check(world, place.pod, place, steps);
    if (!done && plan.ordered) return true;
  }
  return false;
}

/** Whether the next pod may be looked at. */
function fill(world: StatefulWorld, { ordinal }: Place, steps: Step[], plan: Draftable): boolean {
  const { set } = world;
  const pod = podFor(world, ordinal);
  const stale = claimNames(set, ordinal).filter((name) => {
    const claim = world.claim(name);
    return claim !== undefined && isStale(set, claim, pod);
  });
  if (stale.length > 0) plan.waitFor.push(...stale);
  else steps.push({ do: "create", pod, ordinal });
  return false;
}

function podFor({ set, current, update }: StatefulWorld, ordinal: number): NewPod {
  const { type, rollingUpdate } = set.spec.updateStrategy;
  const reserved =
    rollingUpdate === undefined
      ? type === "RollingUpdate"
        ? (set.status.currentReplicas ?? 0)
        : 0
      : (rollingUpdate.partition ?? 0);
  const revision = ordinal < firstOrdinal(set) + reserved ? current : update;
  return newPod(set, ordinal, revision.name, revision.template);
}

function check(world: StatefulWorld, pod: Pod, { ordinal }: Place, steps: Step[]): boolean {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  // A pod that has ended is made anew, however it ended: evicted ones may look successful.
  if (isPodTerminal(pod)) {
    if (!terminating) steps.push({ do: "delete", pod });
    return false;
  }
  if (pod.status.phase === "Pending" && needsClaims(world, pod, ordinal)) steps.push({ do: "claims", pod, ordinal });
  const healthy = !terminating && isRunning(pod) && isPodReady(pod) && isAvailable(world, pod);
  if (isOrdered(world.set) && !healthy) return false;
  if (conformed(world.set, pod) !== undefined || !claimsConform(world, pod, ordinal)) {
    steps.push({ do: "conform", pod, ordinal });
  }
  return true;
}

function isOrdered({ spec }: StatefulSet): boolean {
  return spec.podManagementPolicy !== "Parallel";
}

function isRunning(pod: Pod): boolean {
  return pod.status.phase === "Running";
}

function isAvailable({ set, now }: StatefulWorld, pod: Pod): boolean {
  return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);
}

function isUnavailable(world: StatefulWorld, pod: Pod | undefined): boolean {
  return pod === undefined || !isAvailable(world, pod) || pod.metadata.deletionTimestamp !== undefined;
}

function claimNames(set: StatefulSet, ordinal: number): string[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => claimName(set, metadata.name, ordinal));
}

/** Whether claims of a waiting pod are missing, going, or not owned as they should be. */
function needsClaims(world: StatefulWorld, pod: Pod, ordinal: number): boolean {
  const gone = (name: string): boolean => world.claim(name)?.metadata.deletionTimestamp !== undefined;
  const missing = (name: string): boolean => world.claim(name) === undefined;
  return (
    claimNames(world.set, ordinal).some((name) => missing(name) || gone(name)) || !claimsConform(world, pod, ordinal)
  );
}

function claimsConform({ set, claim }: StatefulWorld, pod: ClaimPod, ordinal: number): boolean {
  return claimNames(set, ordinal).every((name) => {
    const found = claim(name);
    return found === undefined || claimOwners(set, found, pod, isWanted(set, ordinal)) === undefined;
  });
}

/** Says whether the round ends here: ordered pods go one at a time, and only while all others are well. */
function planCondemned(
  world: StatefulWorld,
  places: readonly Place[],
  condemned: readonly Pod[],
  plan: Draftable,
): boolean {
  const steps: Step[] = [];
  plan.phases.push(steps);
  const [highest] = condemned;
  if (!plan.ordered) {
    for (const pod of condemned) {
      if (pod.metadata.deletionTimestamp === undefined) steps.push({ do: "delete", pod });
    }
    return false;
  }
  if (highest === undefined) return false;
  if (highest.metadata.deletionTimestamp !== undefined) return true;
  const ill = places.find(({ pod }) => isUnavailable(world, pod));
  const firstIll = ill === undefined ? condemned.findLast((pod) => isUnavailable(world, pod)) : ill.pod;
  const well = isRunning(highest) && isPodReady(highest) && isAvailable(world, highest);
  if (well || highest === firstIll) steps.push({ do: "delete", pod: highest });
  return true;
}

/** Deletes pods of other revisions, highest first, down to the partition and no more than may be unavailable. */
function planUpdate(world: StatefulWorld, places: readonly Place[]): Step[] {
  const { set, update } = world;
  const { rollingUpdate } = set.spec.updateStrategy;
  const lowest = rollingUpdate?.partition ?? 0;
  const limit = Math.max(1, scaledValue(rollingUpdate?.maxUnavailable ?? 1, places.length, false));
  let allowed = limit - places.filter(({ pod }) => isUnavailable(world, pod)).length;
  const steps: Step[] = [];
  for (let i = places.length - 1; i >= lowest && allowed > 0; i--) {
    const pod = places[i]?.pod;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    if (revisionOf(pod) === update.name) continue;
    steps.push({ do: "delete", pod });
    allowed--;
  }
  return steps;
}
