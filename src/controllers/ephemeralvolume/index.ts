import { type corev1, type Draft, resources } from "../../api/index.ts";
import { cacheKey } from "../../client/index.ts";
import { errorText } from "../../kit/index.ts";
import { hasCause, newControllerRef } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { ensureExists } from "../common/ensure.ts";
import { BY_CLAIM } from "../common/indexes.ts";
import { Loop } from "../common/loop.ts";
import { isClaimFor } from "../common/volumes.ts";

type Claim = corev1.PersistentVolumeClaim;

/** The claim for an ephemeral volume of the pod, by the volume's template; it goes with the pod. */
export function ephemeralClaim(pod: corev1.Pod, volume: corev1.Volume): Draft<Claim> & { metadata: { name: string } } {
  const { metadata, spec } = volume.ephemeral?.volumeClaimTemplate ?? {};
  return {
    metadata: {
      name: `${pod.metadata.name}-${volume.name}`,
      namespace: pod.metadata.namespace,
      ownerReferences: [newControllerRef(pod, ["", "v1", "Pod"])],
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
    },
    spec: spec ?? {},
  };
}

/** Pods with ephemeral volumes get claims of their own. */
export const ephemeralVolumeController: ControllerDefinition = {
  name: "ephemeral-volume-controller",
  account: "ephemeral-volume-controller",
  eventSource: "ephemeral_volume",
  create: (context) => {
    const { caches, events } = context;
    const pods = caches.podsByClaim();
    const claims = caches.informer(resources.persistentvolumeclaims);
    const client = context.client.resource(resources.persistentvolumeclaims);
    const provide = async (pod: corev1.Pod, volume: corev1.Volume, signal: AbortSignal): Promise<void> => {
      const wanted = ephemeralClaim(pod, volume);
      const existing = claims.lister.get(`${pod.metadata.namespace}/${wanted.metadata.name}`);
      if (existing === undefined) {
        await ensureExists(client, wanted, signal).catch((error: unknown) => {
          throw new Error(`create PVC ${wanted.metadata.name}: ${errorText(error)}`, { cause: error });
        });
      } else if (!isClaimFor(existing, pod)) {
        throw new Error(`PVC ${cacheKey(existing)} was not created for pod ${cacheKey(pod)} (pod is not owner)`);
      }
    };
    const loop = new Loop({
      context,
      informers: [pods, claims],
      reconcile: async (key, signal) => {
        const pod = pods.lister.get(key);
        if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
        for (const volume of pod.spec.volumes ?? []) {
          if (volume.ephemeral === undefined) continue;
          try {
            await provide(pod, volume, signal);
          } catch (error) {
            if (hasCause((error as Error).cause, "NamespaceTerminating")) return;
            const message = `ephemeral volume ${volume.name}: ${errorText(error)}`;
            if (!signal.aborted) events.warning(resources.pods, pod, "FailedBinding", message);
            throw new Error(`pod ${key}, ${message}`, { cause: error });
          }
        }
      },
    });
    const wake = (pod: corev1.Pod): void => {
      if (pod.metadata.deletionTimestamp !== undefined) return;
      if (pod.spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined) === true) loop.add(cacheKey(pod));
    };
    pods.handle({ added: wake });
    claims.handle({
      deleted: (claim) => {
        for (const pod of pods.lister.byIndex(BY_CLAIM, cacheKey(claim))) wake(pod);
      },
    });
    return loop;
  },
};
