import type { appsv1, corev1 } from "../../api/index.ts";
import { scaledValue } from "../../machinery/index.ts";
import { omitEmpty } from "../common/omit-empty.ts";
import { isPodAvailable, isPodReady, isPodTerminal } from "../common/pods.ts";
import { isUpdated, type Placement, targetNode } from "./daemon-pod.ts";

type DaemonSet = appsv1.DaemonSet;
type Pod = corev1.Pod;

/** All that a decision about a DaemonSet needs. */
export interface DaemonSituation {
  readonly set: DaemonSet;
  /** Names of all nodes, with what the set wants of them. */
  readonly nodes: ReadonlyMap<string, Placement>;
  /** The set's pods. */
  readonly pods: readonly Pod[];
  /** Of the present template. */
  readonly hash: string;
  readonly now: number;
  /** How long a failed pod on this node must still be left alone; 0 or less: it may go. Counts as an attempt. */
  readonly failedPodDelay: (node: string) => number;
}

/** What to do: nodes that need a pod, pods to delete, and what to tell about pods that ended. */
export interface DaemonPlan {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  readonly ended: readonly { readonly pod: Pod; readonly node: string }[];
  /** Milliseconds until failed pods may be looked at again. */
  readonly checkIn?: number;
}

/** The pods by the node that they are on or meant for; finished ones that are being deleted no longer count. */
export function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = targetNode(pod);
    if (node === undefined || (isPodTerminal(pod) && pod.metadata.deletionTimestamp !== undefined)) continue;
    const group = byNode.get(node);
    if (group === undefined) byNode.set(node, [pod]);
    else group.push(pod);
  }
  return byNode;
}

/** First sees to it that every node has the pods that it should; only when all have, moves an update on. */
export function planDaemons(situation: DaemonSituation): DaemonPlan {
  const byNode = podsByNode(situation.pods);
  const plan = manage(situation, byNode);
  if (plan.create.length > 0 || plan.remove.length > 0) return plan;
  if (situation.set.spec.updateStrategy.type !== "RollingUpdate") return plan;
  return { ...plan, ...rollingUpdate(situation, byNode) };
}

function manage(situation: DaemonSituation, byNode: ReadonlyMap<string, readonly Pod[]>): DaemonPlan {
  const plan = { create: [] as string[], remove: [] as Pod[], ended: [] as { pod: Pod; node: string }[] };
  let checkIn: number | undefined;
  for (const [node, { run, stay }] of situation.nodes) {
    const pods = byNode.get(node) ?? [];
    if (pods.length === 0) {
      if (run) plan.create.push(node);
    } else if (!stay) {
      plan.remove.push(...pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
    } else {
      const delay = manageNode(situation, node, run, pods, plan);
      if (delay !== undefined && (checkIn === undefined || delay < checkIn)) checkIn = delay;
    }
  }
  for (const [node, pods] of byNode) {
    // Meant for a node that is gone: it will never be scheduled, and nobody else removes it.
    if (!situation.nodes.has(node)) plan.remove.push(...pods.filter(({ spec }) => (spec.nodeName ?? "") === ""));
  }
  return checkIn === undefined ? plan : { ...plan, checkIn };
}

function manageNode(
  situation: DaemonSituation,
  node: string,
  run: boolean,
  pods: readonly Pod[],
  plan: { create: string[]; remove: Pod[]; ended: { pod: Pod; node: string }[] },
): number | undefined {
  const running: Pod[] = [];
  let checkIn: number | undefined;
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    if (!isPodTerminal(pod)) {
      running.push(pod);
      continue;
    }
    const delay = pod.status.phase === "Failed" ? situation.failedPodDelay(node) : 0;
    if (delay > 0) {
      checkIn = delay;
      continue;
    }
    plan.ended.push({ pod, node });
    plan.remove.push(pod);
  }
  if (surge(situation.set, 1) === 0) {
    plan.remove.push(...running.toSorted(scheduledThenOldest).slice(1));
    return checkIn;
  }
  if (running.length === 0 && run) plan.create.push(node);
  if (running.length > 1) plan.remove.push(...excessWhileSurging(situation, running));
  return checkIn;
}

/** While surging a node may have one old and one new pod, as long as only the old one serves. */
function excessWhileSurging({ set, hash, now }: DaemonSituation, running: readonly Pod[]): Pod[] {
  const ordered = running.toSorted(scheduledThenOldest);
  const isNew = (pod: Pod): boolean => pod.metadata.labels?.["controller-revision-hash"] === hash;
  const newest = ordered.find(isNew);
  const old = ordered.find((pod) => !isNew(pod));
  const remove = ordered.filter((pod) => pod !== newest && pod !== old);
  if (newest !== undefined && old !== undefined) {
    const replaced = !isPodReady(old) || isPodAvailable(newest, set.spec.minReadySeconds ?? 0, now);
    if (replaced) remove.push(old);
  }
  return remove;
}

function rollingUpdate(
  situation: DaemonSituation,
  byNode: ReadonlyMap<string, readonly Pod[]>,
): Pick<DaemonPlan, "create" | "remove"> {
  const { set, nodes } = situation;
  const desired = [...nodes.values()].filter(({ run }) => run).length;
  const all = new Map(byNode);
  for (const [node, { run }] of nodes) if (run && !all.has(node)) all.set(node, []);
  const maxSurge = surge(set, desired);
  const unavailable = scaledValue(set.spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 0, desired, true);
  if (maxSurge > 0) return rollWithSurge(situation, all, maxSurge, desired);
  // Neither surge nor unavailability would mean to stand still.
  return rollByDeleting(situation, all, desired > 0 && unavailable === 0 ? 1 : unavailable);
}

/** The old and the new pod of a node; `undefined` when it has several of a kind, which must be put right first. */
function pairOf({ set, hash }: DaemonSituation, pods: readonly Pod[]): { fresh?: Pod; old?: Pod } | undefined {
  const pair: { fresh?: Pod; old?: Pod } = {};
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    const kind = isUpdated(set, pod, hash) ? "fresh" : "old";
    if (pair[kind] !== undefined) return undefined;
    pair[kind] = pod;
  }
  return pair;
}

function rollByDeleting(
  situation: DaemonSituation,
  byNode: ReadonlyMap<string, readonly Pod[]>,
  maxUnavailable: number,
): Pick<DaemonPlan, "create" | "remove"> {
  let unavailable = 0;
  const replace: Pod[] = [];
  const candidates: Pod[] = [];
  const available = (pod: Pod): boolean => isPodAvailable(pod, situation.set.spec.minReadySeconds ?? 0, situation.now);
  for (const pods of byNode.values()) {
    const { fresh, old } = pairOf(situation, pods) ?? {};
    if ((fresh === undefined) === (old === undefined)) unavailable++;
    else if (fresh !== undefined) {
      if (!available(fresh)) unavailable++;
    } else if (old !== undefined && !available(old)) {
      replace.push(old);
      unavailable++;
    } else if (old !== undefined && unavailable < maxUnavailable) candidates.push(old);
  }
  return { create: [], remove: [...replace, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

function rollWithSurge(
  situation: DaemonSituation,
  byNode: ReadonlyMap<string, readonly Pod[]>,
  maxSurge: number,
  desired: number,
): Pick<DaemonPlan, "create" | "remove"> {
  let [surging, serving] = [0, 0];
  const remove: Pod[] = [];
  const misplaced: Pod[] = [];
  const allowed: string[] = [];
  const candidates: string[] = [];
  const available = (pod: Pod): boolean => isPodAvailable(pod, situation.set.spec.minReadySeconds ?? 0, situation.now);
  for (const [node, pods] of byNode) {
    const pair = pairOf(situation, pods);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { fresh, old } = pair;
    const first = old ?? fresh;
    if (first !== undefined && available(first)) serving++;
    if (old === undefined) continue;
    if (fresh !== undefined) {
      if (available(fresh)) remove.push(old);
      else surging++;
    } else if (situation.nodes.get(node)?.run !== true) (available(old) ? misplaced : remove).push(old);
    else if (!available(old)) allowed.push(node);
    else if (surging < maxSurge) candidates.push(node);
  }
  // What serves on a node that it should leave stays until enough others serve.
  remove.push(...misplaced.slice(0, Math.max(0, serving - desired)));
  return { create: [...allowed, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}

/** Pods beyond one that nodes may have, of `desired` nodes in all. */
function surge(set: DaemonSet, desired: number): number {
  const { type, rollingUpdate: rolling } = set.spec.updateStrategy;
  return type === "RollingUpdate" ? scaledValue(rolling?.maxSurge ?? 0, desired, true) : 0;
}

function scheduledThenOldest(a: Pod, b: Pod): number {
  const scheduled = Number((b.spec.nodeName ?? "") !== "") - Number((a.spec.nodeName ?? "") !== "");
  if (scheduled !== 0) return scheduled;
  const [x, y] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

/** The status that nodes and pods make. Conditions and collision count stay. */
export function daemonStatus({
  set,
  nodes,
  pods,
  hash,
  now,
}: Omit<DaemonSituation, "failedPodDelay">): appsv1.DaemonSetStatus {
  const byNode = podsByNode(pods);
  let [desired, current, misscheduled, ready, updated, available] = [0, 0, 0, 0, 0, 0];
  for (const [node, { run }] of nodes) {
    const [pod] = (byNode.get(node) ?? []).toSorted(scheduledThenOldest);
    if (run) desired++;
    if (pod === undefined) continue;
    if (!run) {
      misscheduled++;
      continue;
    }
    current++;
    if (isPodReady(pod)) ready++;
    if (isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now)) available++;
    if (isUpdated(set, pod, hash)) updated++;
  }
  const { conditions, collisionCount } = set.status;
  return {
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    desiredNumberScheduled: desired,
    numberReady: ready,
    ...omitEmpty({
      observedGeneration: set.metadata.generation,
      updatedNumberScheduled: updated,
      numberAvailable: available,
      numberUnavailable: desired - available,
      conditions,
    }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
}
