import type { corev1 } from "../../api/index.ts";
import { deepEqual, semanticEqual } from "../../machinery/index.ts";
import { podRequests } from "../cache/pod-requests.ts";
import { ResourceReader } from "../cache/resource-amounts.ts";
import { Action, type ClusterEvent, nodeUpdateEvents, podUpdateEvents } from "./cluster-event.ts";

type Labels = Readonly<Record<string, string>> | undefined;

/** What an update of a pod is, for the scheduler: at least one event. */
export function podUpdates(before: corev1.Pod, after: corev1.Pod): ClusterEvent[] {
  let bits = 0;
  if (!sameMap(before.metadata.labels, after.metadata.labels)) bits |= Action.UpdatePodLabel;
  if (before.spec !== after.spec || before.status !== after.status) {
    if (scaledDown(before, after)) bits |= Action.UpdatePodScaleDown;
    if ((before.spec.tolerations?.length ?? 0) !== (after.spec.tolerations?.length ?? 0))
      bits |= Action.UpdatePodToleration;
    if (before.spec.schedulingGates?.length && !after.spec.schedulingGates?.length) {
      bits |= Action.UpdatePodSchedulingGatesEliminated;
    }
    if (!sameClaims(before.status, after.status)) bits |= Action.UpdatePodGeneratedResourceClaim;
  }
  return podUpdateEvents(Boolean(after.spec.nodeName), bits);
}

/** What an update of a node is, for the scheduler: no event for most heartbeats. */
export function nodeUpdates(before: corev1.Node, after: corev1.Node): ClusterEvent[] {
  let bits = 0;
  if (before.spec?.unschedulable && !after.spec?.unschedulable) bits |= Action.UpdateNodeTaint;
  if (!semanticSame(before.status?.allocatable, after.status?.allocatable)) bits |= Action.UpdateNodeAllocatable;
  if (!sameMap(before.metadata.labels, after.metadata.labels)) bits |= Action.UpdateNodeLabel;
  if (!deepEqual(before.spec?.taints ?? [], after.spec?.taints ?? [])) bits |= Action.UpdateNodeTaint;
  if (!sameMap(conditionsOf(before), conditionsOf(after))) bits |= Action.UpdateNodeCondition;
  if (!sameMap(before.metadata.annotations, after.metadata.annotations)) bits |= Action.UpdateNodeAnnotation;
  return nodeUpdateEvents(bits);
}

function conditionsOf({ status }: corev1.Node): Labels {
  return Object.fromEntries((status?.conditions ?? []).map((c) => [c.type, c.status]));
}

function semanticSame(a: Labels, b: Labels): boolean {
  return sameMap(a, b) || semanticEqual(a ?? {}, b ?? {});
}

function sameMap(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  const [from, to] = [a ?? {}, b ?? {}];
  const keys = Object.keys(from);
  return keys.length === Object.keys(to).length && keys.every((key) => from[key] === to[key]);
}

function sameClaims(a: corev1.PodStatus | undefined, b: corev1.PodStatus | undefined): boolean {
  return (
    deepEqual(a?.resourceClaimStatuses ?? [], b?.resourceClaimStatuses ?? []) &&
    deepEqual(a?.extendedResourceClaimStatus, b?.extendedResourceClaimStatus)
  );
}

function scaledDown(before: corev1.Pod, after: corev1.Pod): boolean {
  const texts = ({ spec, status }: corev1.Pod): unknown => [
    spec.containers.map((c) => c.resources?.requests),
    spec.initContainers?.map((c) => c.resources?.requests),
    spec.resources?.requests,
    status?.containerStatuses?.map((c) => [c.name, c.resources?.requests, c.allocatedResources]),
    status?.conditions?.find((c) => c.type === "PodResizePending")?.reason,
  ];
  if (deepEqual(texts(before), texts(after))) return false;
  const reader = new ResourceReader();
  const now = podRequests(after, reader, { useStatus: true });
  for (const [id, amount] of podRequests(before, reader, { useStatus: true })) {
    if (amount > (now.get(id) ?? -1)) return true;
  }
  return false;
}
