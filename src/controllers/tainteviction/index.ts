import { type corev1, resources } from "../../api/index.ts";
import { cacheKey } from "../../client/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { removePod } from "../common/evict-pod.ts";
import { BY_NODE } from "../common/indexes.ts";
import { Loop } from "../common/loop.ts";
import { noExecuteTaints, stayUnder } from "./plan.ts";

const DISRUPTION = {
  reason: "DeletionByTaintManager",
  message: "Taint manager: deleting due to NoExecute taint",
};

interface Scheduled {
  readonly uid: string;
  readonly since: number;
}

/** Pods leave nodes whose NoExecute taints they do not tolerate, or not for ever. */
export const taintEvictionController: ControllerDefinition = {
  name: "taint-eviction-controller",
  account: "node-controller",
  create: (context) => {
    const { caches, client, env, events } = context;
    const nodes = caches.informer(resources.nodes);
    const pods = caches.pods();
    /** Since when each pod is under a taint that will drive it away. */
    const scheduled = new Map<string, Scheduled>();

    const cancel = (key: string, pod: corev1.Pod | undefined): void => {
      if (!scheduled.delete(key) || pod === undefined) return;
      events.normal(resources.pods, pod, "TaintManagerEviction", `Cancelling deletion of Pod ${key}`);
    };

    const reconcile = async (key: string, signal: AbortSignal): Promise<number | undefined> => {
      const pod = pods.lister.get(key);
      const { nodeName = "" } = pod?.spec ?? {};
      const taints = noExecuteTaints(nodes.lister.get(nodeName));
      const stay = pod === undefined ? undefined : stayUnder(taints, pod.spec.tolerations);
      if (
        pod === undefined ||
        nodeName === "" ||
        stay?.kind !== "leave" ||
        pod.metadata.deletionTimestamp !== undefined
      ) {
        cancel(key, pod);
        return undefined;
      }
      const now = env.clock.now();
      const known = scheduled.get(key);
      const begun = known?.uid === pod.metadata.uid ? known : { uid: pod.metadata.uid, since: now };
      const left = begun.since + stay.afterMs - now;
      if (left > 0) {
        scheduled.set(key, begun);
        return left;
      }
      scheduled.delete(key);
      events.normal(resources.pods, pod, "TaintManagerEviction", `Marking for deletion Pod ${key}`);
      await removePod(client, pod, { disruption: DISRUPTION, now, signal });
      return undefined;
    };

    const loop = new Loop({ context, workers: 8, informers: [nodes, pods], reconcile });
    const touched = (pod: corev1.Pod): void => {
      const key = cacheKey(pod);
      if (scheduled.has(key) || noExecuteTaints(nodes.lister.get(pod.spec.nodeName ?? "")).length > 0) loop.add(key);
    };
    pods.handle({
      added: touched,
      deleted: (pod) => void scheduled.delete(cacheKey(pod)),
      updated: (pod, before) => {
        const same =
          pod.spec.nodeName === before.spec.nodeName && deepEqual(pod.spec.tolerations, before.spec.tolerations);
        if (!same) touched(pod);
      },
    });
    const tainted = (node: corev1.Node): void => {
      for (const pod of pods.lister.byIndex(BY_NODE, node.metadata.name)) loop.add(cacheKey(pod));
    };
    nodes.handle({
      added: (node) => {
        if (noExecuteTaints(node).length > 0) tainted(node);
      },
      updated: (node, before) => {
        if (!deepEqual(noExecuteTaints(node), noExecuteTaints(before))) tainted(node);
      },
    });
    return loop;
  },
};
