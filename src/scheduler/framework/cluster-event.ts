/** Kinds of objects whose changes may make a pod schedulable. `AssignedPod` and `UnschedulablePod` are both `Pod` to plugins. */
export type EventResource =
  | "Pod"
  | "AssignedPod"
  | "UnschedulablePod"
  | "Node"
  | "PersistentVolume"
  | "PersistentVolumeClaim"
  | "CSINode"
  | "CSIDriver"
  | "CSIStorageCapacity"
  | "StorageClass"
  | "VolumeAttachment"
  | "ResourceClaim"
  | "ResourceSlice"
  | "DeviceClass"
  | "*";

/** What happened, as bits: a plugin's interest is a sum of them, an event that occurs is one. */
export const Action = {
  Add: 1,
  Delete: 1 << 1,
  UpdateNodeAllocatable: 1 << 2,
  UpdateNodeLabel: 1 << 3,
  UpdateNodeTaint: 1 << 4,
  UpdateNodeCondition: 1 << 5,
  UpdateNodeAnnotation: 1 << 6,
  UpdatePodLabel: 1 << 7,
  UpdatePodScaleDown: 1 << 8,
  UpdatePodToleration: 1 << 9,
  UpdatePodSchedulingGatesEliminated: 1 << 10,
  UpdatePodGeneratedResourceClaim: 1 << 11,
  /** Any change of an object that none of the bits above names. */
  UpdateOther: 1 << 12,
  /** Every bit that is an update. */
  Update: (1 << 13) - 1 - 3,
  All: (1 << 13) - 1,
} as const;

/** One thing that happened. */
export interface ClusterEvent {
  readonly resource: EventResource;
  readonly action: number;
  /** Upstream's name of it, for metrics and logs. */
  readonly label: string;
}

/** `Queue`: worth another try. */
export type QueueingHint = "Queue" | "QueueSkip";

/** Whether an event registered by a plugin covers one that occurred. */
export function covers(interest: Pick<ClusterEvent, "resource" | "action">, event: ClusterEvent): boolean {
  if (isWildcard(interest)) return true;
  return (interest.action & event.action) !== 0 && coversResource(interest.resource, event.resource);
}

/** An event that is about everything. */
export function isWildcard(event: Pick<ClusterEvent, "resource" | "action">): boolean {
  return event.resource === "*" && event.action === Action.All;
}

function coversResource(interest: EventResource, resource: EventResource): boolean {
  return (
    interest === "*" ||
    interest === resource ||
    (interest === "Pod" && (resource === "AssignedPod" || resource === "UnschedulablePod"))
  );
}

function event(resource: EventResource, action: number, label: string): ClusterEvent {
  return Object.freeze({ resource, action, label });
}

/** The events the scheduler itself raises. */
export const Events = {
  assignedPodAdd: event("AssignedPod", Action.Add, "AssignedPodAdd"),
  assignedPodUpdate: event("AssignedPod", Action.UpdateOther, "AssignedPodUpdate"),
  assignedPodDelete: event("AssignedPod", Action.Delete, "AssignedPodDelete"),
  unscheduledPodAdd: event("UnschedulablePod", Action.Add, "UnschedulablePodAdd"),
  unscheduledPodUpdate: event("UnschedulablePod", Action.UpdateOther, "UnschedulablePodUpdate"),
  unscheduledPodDelete: event("UnschedulablePod", Action.Delete, "UnschedulablePodDelete"),
  nodeAdd: event("Node", Action.Add, "NodeAdd"),
  nodeDelete: event("Node", Action.Delete, "NodeDelete"),
  unschedulableTimeout: event("*", Action.All, "UnschedulableTimeout"),
  forceActivate: event("*", Action.All, "ForceActivate"),
} as const;

/** The event of an object of `resource`, which is neither Pod nor Node. */
export function objectEvent(resource: EventResource, kind: "Add" | "Update" | "Delete"): ClusterEvent {
  const action = { Add: Action.Add, Update: Action.UpdateOther, Delete: Action.Delete }[kind];
  return event(resource, action, `${resource}${kind}`);
}

const POD_ACTIONS: readonly (readonly [action: number, label: string])[] = [
  [Action.UpdatePodLabel, "UpdatePodLabel"],
  [Action.UpdatePodScaleDown, "UpdatePodScaleDown"],
  [Action.UpdatePodSchedulingGatesEliminated, "UpdatePodSchedulingGatesEliminated"],
  [Action.UpdatePodToleration, "UpdatePodToleration"],
  [Action.UpdatePodGeneratedResourceClaim, "UpdatePodGeneratedResourceClaim"],
];
const NODE_ACTIONS: readonly (readonly [action: number, label: string])[] = [
  [Action.UpdateNodeAllocatable, "UpdateNodeAllocatable"],
  [Action.UpdateNodeLabel, "UpdateNodeLabel"],
  [Action.UpdateNodeTaint, "UpdateNodeTaint"],
  [Action.UpdateNodeCondition, "UpdateNodeCondition"],
  [Action.UpdateNodeAnnotation, "UpdateNodeAnnotation"],
];

const byActions = (resource: EventResource, known: typeof POD_ACTIONS): ReadonlyMap<number, ClusterEvent> =>
  new Map(known.map(([action, label]) => [action, event(resource, action, `${resource}${label}`)]));
const ASSIGNED = byActions("AssignedPod", POD_ACTIONS);
const UNSCHEDULED = byActions("UnschedulablePod", POD_ACTIONS);
const NODE = byActions("Node", NODE_ACTIONS);

/** One event for each bit set; `UpdateOther` when none is. */
export function podUpdateEvents(assigned: boolean, bits: number): ClusterEvent[] {
  const events = pick(assigned ? ASSIGNED : UNSCHEDULED, bits);
  if (events.length === 0) events.push(assigned ? Events.assignedPodUpdate : Events.unscheduledPodUpdate);
  return events;
}

/** One event for each bit set; none when none is. */
export function nodeUpdateEvents(bits: number): ClusterEvent[] {
  return pick(NODE, bits);
}

function pick(known: ReadonlyMap<number, ClusterEvent>, bits: number): ClusterEvent[] {
  const events: ClusterEvent[] = [];
  for (const [action, found] of known) if ((bits & action) !== 0) events.push(found);
  return events;
}
