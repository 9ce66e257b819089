import type { ControllerDefinition } from "../common/context.ts";
import { AttachDetachController } from "./controller.ts";

/** Volumes of drivers are attached to the nodes where pods need them. */
export const attachDetachController: ControllerDefinition = {
  name: "persistentvolume-attach-detach-controller",
  account: "attachdetach-controller",
  eventSource: "attachdetach-controller",
  create: (context) => new AttachDetachController(context).component,
};
