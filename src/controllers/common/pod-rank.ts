import type { corev1 } from "../../api/index.ts";
import { tryParseTime } from "../../machinery/index.ts";
import { isPodActive, isPodReady, podReadySince } from "./pods.ts";

const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const NANOS_PER_MILLI = 1e6;

/** The order of phases when choosing what to delete first; finished pods never come here. */
const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** What the order compares, computed once a pod rather than once a comparison. */
interface Ranked {
  readonly pod: corev1.Pod;
  readonly assigned: boolean;
  readonly phase: number;
  readonly ready: boolean;
  readonly cost: number;
  readonly rank: number;
  readonly readySince: number | undefined;
  readonly restarts: number;
  readonly sidecarRestarts: number;
  readonly created: number | undefined;
}

/**
 * `pods` with those first that a scale-down should take first (upstream's ActivePodsWithRanks): unassigned, pending,
 * not ready, cheap by annotation, crowded on their node, ready for a shorter time, restarting more, younger. Ages count by
 * powers of two, ties among them go by uid, so that the choice is spread over similar pods. `related` are the pods that
 * crowd a node: those of all ReplicaSets of the same owner. `now` in milliseconds. Does not change `pods`.
 */
export function deletionOrder(pods: readonly corev1.Pod[], related: Iterable<corev1.Pod>, now: number): corev1.Pod[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    if (!isPodActive(pod)) continue;
    const node = pod.spec.nodeName ?? "";
    onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  return pods
    .map((pod) => ranked(pod, onNode.get(pod.spec.nodeName ?? "") ?? 0))
    .toSorted((a, b) => compare(a, b, now))
    .map((entry) => entry.pod);
}

function ranked(pod: corev1.Pod, rank: number): Ranked {
  return {
    pod,
    assigned: (pod.spec.nodeName ?? "") !== "",
    phase: PHASE_ORDER[pod.status.phase ?? ""] ?? 0,
    ready: isPodReady(pod),
    cost: deletionCost(pod.metadata.annotations?.[DELETION_COST]),
    rank,
    readySince: podReadySince(pod),
    ...maxRestarts(pod),
    created: tryParseTime(pod.metadata.creationTimestamp),
  };
}

function compare(a: Ranked, b: Ranked, now: number): number {
  if (a.assigned !== b.assigned) return a.assigned ? 1 : -1;
  if (a.phase !== b.phase) return a.phase - b.phase;
  if (a.ready !== b.ready) return a.ready ? 1 : -1;
  if (a.cost !== b.cost) return a.cost - b.cost;
  if (a.rank !== b.rank) return b.rank - a.rank;
  if (a.ready && a.readySince !== b.readySince) return byAge(a, b, a.readySince, b.readySince, now);
  if (a.restarts !== b.restarts) return b.restarts - a.restarts;
  if (a.sidecarRestarts !== b.sidecarRestarts) return b.sidecarRestarts - a.sidecarRestarts;
  if (a.created !== b.created) return byAge(a, b, a.created, b.created, now);
  return 0;
}

/** Younger first; a missing time counts as youngest. */
function byAge(a: Ranked, b: Ranked, at: number | undefined, bt: number | undefined, now: number): number {
  if (at === undefined || bt === undefined) return at === undefined ? -1 : 1;
  const difference = magnitude(now - at) - magnitude(now - bt);
  if (difference !== 0) return difference;
  return a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1;
}

/** The age's power of two in nanoseconds; -1 for none. */
function magnitude(age: number): number {
  return age > 0 ? Math.floor(Math.log2(age * NANOS_PER_MILLI)) : -1;
}

/** The annotation's int32; whatever does not read as one counts as 0. */
function deletionCost(text: string | undefined): number {
  if (text === undefined || !/^(0|-?[1-9][0-9]*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

function maxRestarts(pod: corev1.Pod): { restarts: number; sidecarRestarts: number } {
  const sidecars = new Set(
    (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === "Always").map((c) => c.name),
  );
  const most = (statuses: readonly corev1.ContainerStatus[]): number =>
    statuses.reduce((max, status) => Math.max(max, status.restartCount), 0);
  return {
    restarts: most(pod.status.containerStatuses ?? []),
    sidecarRestarts: most((pod.status.initContainerStatuses ?? []).filter((s) => sidecars.has(s.name))),
  };
}
