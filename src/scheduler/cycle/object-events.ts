import { type Resource, resources } from "../../api/index.ts";
import type { CachedObject, InformerFactory } from "../../client/index.ts";
import { type EventResource, objectEvent } from "../framework/cluster-event.ts";
import type { SchedulerParts } from "./parts.ts";

/** Resources, beside pods and nodes, whose changes may make pods schedulable. */
const FOLLOWED: Readonly<Partial<Record<EventResource, Resource>>> = {
  PersistentVolume: resources.persistentvolumes,
  PersistentVolumeClaim: resources.persistentvolumeclaims,
  StorageClass: resources.storageclasses,
  CSINode: resources.csinodes,
  CSIDriver: resources.csidrivers,
  CSIStorageCapacity: resources.csistoragecapacities,
  VolumeAttachment: resources.volumeattachments,
  ResourceClaim: resources.resourceclaims,
  ResourceSlice: resources.resourceslices,
  DeviceClass: resources.deviceclasses,
};

/** Tells the queue of changes of those resources that some plugin wants to hear of. */
export function followObjects(
  { queue }: Pick<SchedulerParts, "queue">,
  informers: InformerFactory,
  wanted: ReadonlySet<EventResource>,
): void {
  for (const name of wanted) {
    const resource = FOLLOWED[name] as Resource<CachedObject> | undefined;
    if (!resource) continue;
    const [added, updated, deleted] = [
      objectEvent(name, "Add"),
      objectEvent(name, "Update"),
      objectEvent(name, "Delete"),
    ];
    informers.informer(resource).handle({
      added: (object) => queue.moveAll(added, undefined, object),
      updated: (object, before) => queue.moveAll(updated, before, object),
      deleted: (object) => queue.moveAll(deleted, object, undefined),
    });
  }
}
