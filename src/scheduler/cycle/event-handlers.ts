import { type corev1, resources } from "../../api/index.ts";
import type { Informer, InformerFactory } from "../../client/index.ts";
import { Events } from "../framework/cluster-event.ts";
import { nodeUpdates, podUpdates } from "../framework/object-changes.ts";
import type { SchedulerParts } from "./parts.ts";

/** Pods that have ended take no room and want no node. */
export const ACTIVE_PODS = "status.phase!=Succeeded,status.phase!=Failed";

/** The informer of the pods that matter to scheduling. */
export function podInformer(informers: InformerFactory): Informer<corev1.Pod> {
  return informers.informer(resources.pods, { fieldSelector: ACTIVE_PODS });
}

/** Keeps cache and queue in step with nodes, namespaces and pods. Returns how to leave. */
export function followCluster(parts: SchedulerParts, informers: InformerFactory): () => void {
  const { cache, queue } = parts;
  const leaves = [
    informers.informer(resources.nodes).handle({
      added: (node) => {
        cache.setNode(node);
        queue.moveAll(Events.nodeAdd, undefined, node);
      },
      updated: (node, before) => {
        cache.setNode(node);
        for (const event of nodeUpdates(before, node)) queue.moveAll(event, before, node);
      },
      deleted: (node) => {
        queue.moveAll(Events.nodeDelete, node, undefined);
        cache.removeNode(node.metadata.name);
      },
    }),
    informers.informer(resources.namespaces).handle({
      added: ({ metadata }) => cache.namespaces.set(metadata.name, metadata.labels),
      updated: ({ metadata }) => cache.namespaces.set(metadata.name, metadata.labels),
      deleted: ({ metadata }) => cache.namespaces.delete(metadata.name),
    }),
    podInformer(informers).handle({
      added: (pod) => podAdded(parts, pod),
      updated: (pod, before) => podUpdated(parts, before, pod),
      deleted: (pod) => podDeleted(parts, pod),
    }),
  ];
  return () => leaves.forEach((leave) => leave());
}

function responsible({ profiles }: SchedulerParts, { spec }: corev1.Pod): boolean {
  return profiles.has(spec.schedulerName ?? "default-scheduler");
}

function podAdded(parts: SchedulerParts, pod: corev1.Pod): void {
  if (pod.spec.nodeName) assignedAdded(parts, pod);
  else if (responsible(parts, pod) && !parts.cache.isAssumed(pod.metadata.uid)) {
    parts.queue.add(parts.cache.reader.read(pod));
  }
}

function assignedAdded({ cache, queue }: SchedulerParts, pod: corev1.Pod): void {
  cache.setPod(pod);
  queue.moveAll(Events.assignedPodAdd, undefined, pod);
}

function podUpdated(parts: SchedulerParts, before: corev1.Pod, pod: corev1.Pod): void {
  const { cache, queue } = parts;
  if (before.spec.nodeName) {
    cache.setPod(pod);
    for (const event of podUpdates(before, pod)) queue.moveAll(event, before, pod);
  } else if (pod.spec.nodeName) {
    assignedAdded(parts, pod);
    queue.delete(pod.metadata.uid);
  } else if (responsible(parts, pod)) pendingUpdated(parts, before, pod);
}

function pendingUpdated(parts: SchedulerParts, before: corev1.Pod, pod: corev1.Pod): void {
  const { cache, queue } = parts;
  const { uid } = pod.metadata;
  if (cache.isAssumed(uid)) {
    const begins = pod.metadata.deletionTimestamp !== undefined && before.metadata.deletionTimestamp === undefined;
    if (begins) assumedDeleted(parts, uid);
    return;
  }
  const old = queue.get(uid)?.info ?? cache.reader.read(before);
  queue.update(old, cache.reader.read(pod));
  const promised = before.status?.nominatedNodeName;
  // To pods that had to yield to it, a nominated pod counted as if it were there.
  if (promised && promised !== pod.status?.nominatedNodeName) releaseNomination(parts, before);
}

function releaseNomination({ queue }: SchedulerParts, pod: corev1.Pod): void {
  const priority = pod.spec.priority ?? 0;
  queue.moveAll(Events.assignedPodDelete, pod, undefined, (info) => info.priority <= priority);
}

function podDeleted(parts: SchedulerParts, pod: corev1.Pod): void {
  const { cache, queue } = parts;
  const { uid } = pod.metadata;
  if (pod.spec.nodeName) {
    cache.removePod(uid);
    queue.delete(uid);
    queue.moveAll(Events.assignedPodDelete, pod, undefined);
    return;
  }
  if (!responsible(parts, pod)) return;
  queue.delete(uid);
  if (cache.isAssumed(uid)) assumedDeleted(parts, uid);
  else if (pod.status?.nominatedNodeName) releaseNomination(parts, pod);
}

/** A pod is going that is being bound: what it takes is free at once, or when Permit lets go of it. */
function assumedDeleted({ cache, queue, waiting }: SchedulerParts, uid: string): void {
  const info = cache.pod(uid);
  if (!info) return;
  const held = waiting.get(uid);
  if (held) held.reject("", "removed");
  else cache.forget(uid);
  queue.moveAll(Events.assignedPodDelete, info.pod, undefined);
}
