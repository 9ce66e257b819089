import { type corev1, resources } from "../../api/index.ts";
import { cacheKey } from "../../client/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import { forEachBounded } from "../common/bounded.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { removePod } from "../common/evict-pod.ts";
import { BY_NODE } from "../common/indexes.ts";
import { Loop } from "../common/loop.ts";
import { isFinished, isOutOfService, isUnscheduledTerminating, surplusFinished } from "./plan.ts";

/** How long a node may be missing before its pods are given up: it may be about to register. */
const QUARANTINE_MS = 40_000;
/** Finished pods are counted off this long after there were too many, so that many go at once. */
const FINISHED_DELAY_MS = 20_000;
const CONCURRENCY = 20;
const FINISHED = "finished";
const ORPHANED = { reason: "DeletionByPodGC", message: "PodGC: node no longer exists" };

/**
 * Deletes pods that nobody else will: on nodes that are gone or out of service, deleted before they were scheduled, and
 * finished ones beyond the number to keep. Keys are `node/<name>`, `pod/<key>` and `finished`.
 */
export const podGarbageCollector: ControllerDefinition = {
  name: "pod-garbage-collector-controller",
  account: "pod-garbage-collector",
  create: (context) => {
    const { caches, client, config, env } = context;
    const nodes = caches.informer(resources.nodes);
    const pods = caches.pods();
    const finished = new Set<string>();

    const remove = (pod: corev1.Pod, signal: AbortSignal, disruption?: typeof ORPHANED): Promise<void> =>
      removePod(client, pod, {
        fail: true,
        gracePeriodSeconds: 0,
        now: env.clock.now(),
        signal,
        ...(disruption === undefined ? {} : { disruption }),
      });

    const sweepNode = async (name: string, signal: AbortSignal): Promise<void> => {
      const node = nodes.lister.get(name);
      const onNode = [...pods.lister.byIndex(BY_NODE, name)];
      if (node !== undefined) {
        if (!isOutOfService(node)) return;
        const going = onNode.filter((pod) => pod.metadata.deletionTimestamp !== undefined);
        await forEachBounded(going, CONCURRENCY, (pod) => remove(pod, signal));
        return;
      }
      if (onNode.length === 0 || (await exists(name, signal))) return;
      await forEachBounded(onNode, CONCURRENCY, (pod) => remove(pod, signal, ORPHANED));
    };

    const exists = async (name: string, signal: AbortSignal): Promise<boolean> => {
      try {
        await client.resource(resources.nodes).get({ name }, { signal });
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    };

    const sweepFinished = async (signal: AbortSignal): Promise<void> => {
      const all = [...finished].flatMap((key) => pods.lister.get(key) ?? []);
      const surplus = surplusFinished(all, config.terminatedPodGcThreshold);
      await forEachBounded(surplus, CONCURRENCY, (pod) => remove(pod, signal));
    };

    const reconcile = async (key: string, signal: AbortSignal): Promise<void> => {
      if (key === FINISHED) return sweepFinished(signal);
      const name = key.slice(key.indexOf("/") + 1);
      if (key.startsWith("node/")) return sweepNode(name, signal);
      const pod = pods.lister.get(name);
      if (pod !== undefined && isUnscheduledTerminating(pod)) await remove(pod, signal);
    };

    const loop = new Loop({ context, informers: [nodes, pods], reconcile });
    const seen = (pod: corev1.Pod): void => {
      const key = cacheKey(pod);
      if (isUnscheduledTerminating(pod)) loop.add(`pod/${key}`);
      if (isFinished(pod)) finished.add(key);
      else finished.delete(key);
      const limit = config.terminatedPodGcThreshold;
      if (limit > 0 && finished.size > limit) loop.addAfter(FINISHED, FINISHED_DELAY_MS);
      const { nodeName = "" } = pod.spec;
      if (nodeName === "" || !nodes.synced) return;
      const node = nodes.lister.get(nodeName);
      if (node === undefined) loop.addAfter(`node/${nodeName}`, QUARANTINE_MS);
      else if (pod.metadata.deletionTimestamp !== undefined && isOutOfService(node)) loop.add(`node/${nodeName}`);
    };
    pods.handle({ added: seen, updated: seen, deleted: (pod) => void finished.delete(cacheKey(pod)) });
    nodes.handle({
      updated: (node) => {
        if (isOutOfService(node)) loop.add(`node/${node.metadata.name}`);
      },
      deleted: (node) => loop.addAfter(`node/${node.metadata.name}`, QUARANTINE_MS),
    });
    // Pods may have been listed before the nodes: those on unknown nodes are found once both are there.
    const checkAll = async (signal: AbortSignal): Promise<void> => {
      await Promise.all([nodes.whenSynced(signal), pods.whenSynced(signal)]);
      for (const pod of pods.lister.list()) seen(pod);
    };
    return {
      name: loop.name,
      ready: (signal) => loop.ready(signal),
      run: async (signal) => {
        const checked = checkAll(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
        await Promise.all([checked, loop.run(signal)]);
      },
    };
  },
};
