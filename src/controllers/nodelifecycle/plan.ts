import type { corev1 } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { nodeCondition } from "../common/nodes.ts";
import { changeTaints, hasTaint } from "../common/taints.ts";

type Node = corev1.Node;
type Taint = corev1.Taint;

/** Pods that do not tolerate it leave a node whose kubelet says that it is not ready. */
export const NOT_READY: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoExecute" };
/** Pods that do not tolerate it leave a node that is not heard of. */
export const UNREACHABLE: Taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" };

/** Which taint keeps new pods away under which status of which condition. */
const CONDITION_TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: "node.kubernetes.io/not-ready", Unknown: "node.kubernetes.io/unreachable" },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";
const MANAGED = new Set([
  UNSCHEDULABLE,
  ...Object.values(CONDITION_TAINTS).flatMap((byStatus) => Object.values(byStatus)),
]);

/** Conditions that the kubelet reports, and that are unknown when it is silent. */
const REPORTED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** Old labels that repeat new ones. */
const REPEATED: readonly (readonly [from: string, to: string])[] = [
  ["kubernetes.io/os", "beta.kubernetes.io/os"],
  ["kubernetes.io/arch", "beta.kubernetes.io/arch"],
];

/** The node's taints with NoSchedule taints as its conditions ask for; `undefined` when they are right. */
export function scheduleTaints(node: Node, now: number): Taint[] | undefined {
  const wanted = new Set<string>();
  for (const { type, status } of node.status.conditions ?? []) {
    const key = CONDITION_TAINTS[type]?.[status];
    if (key !== undefined) wanted.add(key);
  }
  if (node.spec.unschedulable === true) wanted.add(UNSCHEDULABLE);
  const timeAdded = formatTime(now);
  const add = [...wanted].map((key): Taint => ({ key, effect: "NoSchedule", timeAdded }));
  const remove = (node.spec.taints ?? []).filter(
    ({ key, effect }) => effect === "NoSchedule" && MANAGED.has(key) && !wanted.has(key),
  );
  return changeTaints(node.spec.taints, add, remove);
}

/** What the state of the Ready condition asks of the NoExecute taints. */
export type ExecuteTaint =
  /** Nothing to do. */
  | { readonly kind: "right" }
  /** Taints to write at once: taken away, or one put in the other's place. */
  | { readonly kind: "write"; readonly taints: Taint[] }
  /** A taint to be added when the zone's eviction rate allows. */
  | { readonly kind: "queue" };

/** Decides about the NoExecute taints. With `allLost` nobody is to be evicted. */
export function executeTaints(node: Node, allLost: boolean, now: number): ExecuteTaint {
  const ready = nodeCondition(node, "Ready");
  if (ready === undefined) return { kind: "right" };
  const { taints } = node.spec;
  if (allLost || ready.status === "True") {
    const without = changeTaints(taints, [], [NOT_READY, UNREACHABLE]);
    return without === undefined ? { kind: "right" } : { kind: "write", taints: without };
  }
  const [wanted, other] = ready.status === "False" ? [NOT_READY, UNREACHABLE] : [UNREACHABLE, NOT_READY];
  if (!hasTaint(taints, other)) return { kind: hasTaint(taints, wanted) ? "right" : "queue" };
  return { kind: "write", taints: changeTaints(taints, [{ ...wanted, timeAdded: formatTime(now) }], [other]) ?? [] };
}

/** The taints of a node whose turn it is to be evicted; `undefined` when it has recovered or is tainted. */
export function evictionTaints(node: Node, now: number): Taint[] | undefined {
  const decision = executeTaints(node, false, now);
  if (decision.kind !== "queue") return undefined;
  const wanted = nodeCondition(node, "Ready")?.status === "False" ? NOT_READY : UNREACHABLE;
  return changeTaints(node.spec.taints, [{ ...wanted, timeAdded: formatTime(now) }], []);
}

/** The conditions of a node that has been silent for too long; `undefined` when Ready is Unknown already. */
export function silentConditions(node: Node, now: number): corev1.NodeCondition[] | undefined {
  if (nodeCondition(node, "Ready")?.status === "Unknown") return undefined;
  const time = formatTime(now);
  const conditions = (node.status.conditions ?? []).map((condition) => {
    if (!REPORTED.includes(condition.type) || condition.status === "Unknown") return condition;
    const message = "Kubelet stopped posting node status.";
    return { ...condition, status: "Unknown", reason: "NodeStatusUnknown", message, lastTransitionTime: time };
  });
  for (const type of REPORTED) {
    if (nodeCondition(node, type) !== undefined) continue;
    conditions.push({
      type,
      status: "Unknown",
      reason: "NodeStatusNeverUpdated",
      message: "Kubelet never posted node status.",
      lastHeartbeatTime: node.metadata.creationTimestamp,
      lastTransitionTime: time,
    });
  }
  return conditions;
}

/** Labels to set so that old names repeat new ones; `undefined` when they do. */
export function repeatedLabels({ metadata: { labels = {} } }: Node): Record<string, string> | undefined {
  const change: Record<string, string> = {};
  for (const [from, to] of REPEATED) {
    const value = labels[from];
    if (value !== undefined && labels[to] !== value) change[to] = value;
  }
  return Object.keys(change).length === 0 ? undefined : change;
}
