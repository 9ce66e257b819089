import type { ControllerDefinition } from "../common/context.ts";
import { VolumeBinder } from "./controller.ts";

/** PersistentVolumes and the claims to them. */
export const volumeBinderController: ControllerDefinition = {
  name: "persistentvolume-binder-controller",
  account: "persistent-volume-binder",
  eventSource: "persistentvolume-controller",
  create: (context) => new VolumeBinder(context).component,
};
