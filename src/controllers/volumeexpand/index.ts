import { type corev1, resources } from "../../api/index.ts";
import { cacheKey } from "../../client/index.ts";
import { isNotFound, Quantity } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { Loop } from "../common/loop.ts";

type Claim = corev1.PersistentVolumeClaim;

/** Whether a claim asks for more than its volume gives. */
export function wantsMore({ spec, status }: Claim): boolean {
  return sizeOf(spec.resources?.requests).cmp(sizeOf(status.capacity)) > 0;
}

function sizeOf(list: Readonly<Record<string, string>> | undefined): Quantity {
  return Quantity.parse(list?.["storage"] ?? "0");
}

/**
 * Claims that ask for more are left to the drivers of their volumes: none of the built-in kinds can grow. The event tells whoever wonders why
 * nothing happens.
 */
export const volumeExpandController: ControllerDefinition = {
  name: "persistentvolume-expander-controller",
  account: "expand-controller",
  eventSource: "volume_expand",
  create: (context) => {
    const claims = context.caches.informer(resources.persistentvolumeclaims);
    const volumes = context.client.resource(resources.persistentvolumes);
    const loop = new Loop({
      context,
      informers: [claims],
      reconcile: async (key, signal) => {
        const claim = claims.lister.get(key);
        if (claim === undefined || !wantsMore(claim)) return;
        const name = claim.spec.volumeName ?? "";
        const volume = await volumes.get({ name }, { signal }).catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
        if (volume?.spec.claimRef?.uid !== claim.metadata.uid) {
          throw new Error(`persistent Volume is not bound to PVC being updated : ${key}`);
        }
        const message = "waiting for an external controller to expand this PVC";
        const tell = volume.spec.csi === undefined ? context.events.warning : context.events.normal;
        tell(resources.persistentvolumeclaims, claim, "ExternalExpanding", message);
      },
    });
    claims.handle({
      updated: (claim, before) => {
        const grown = sizeOf(claim.spec.resources?.requests).cmp(sizeOf(before.spec.resources?.requests)) > 0;
        if (claim.status.phase === "Bound" && grown) loop.add(cacheKey(claim));
      },
    });
    return loop;
  },
};
