import { type corev1, resources } from "../../api/index.ts";
import type { Component } from "../../kit/index.ts";
import type { ControllerContext } from "../common/context.ts";
import { Loop } from "../common/loop.ts";
import { isGoing, isUnprotected, protectedBy, releasedFrom } from "./finalizer.ts";

const FINALIZER = "kubernetes.io/pv-protection";

/** Keeps volumes that are deleted while they are bound to a claim. */
export function volumeProtection(context: ControllerContext): Component {
  const volumes = context.caches.informer(resources.persistentvolumes);
  const client = context.client.resource(resources.persistentvolumes);
  const loop = new Loop({
    context,
    informers: [volumes],
    reconcile: async (name, signal) => {
      const volume = volumes.lister.get(name);
      if (volume === undefined) return;
      if (isUnprotected(volume, FINALIZER)) await client.update(protectedBy(volume, FINALIZER), { signal });
      else if (isGoing(volume, FINALIZER) && volume.status.phase !== "Bound") {
        await client.update(releasedFrom(volume, FINALIZER), { signal });
      }
    },
  });
  const changed = (volume: corev1.PersistentVolume): void => {
    if (isGoing(volume, FINALIZER) || isUnprotected(volume, FINALIZER)) loop.add(volume.metadata.name);
  };
  volumes.handle({ added: changed, updated: changed });
  return loop;
}
