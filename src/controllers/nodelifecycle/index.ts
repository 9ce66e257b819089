import type { ControllerDefinition } from "../common/context.ts";
import { NodeLifecycle } from "./controller.ts";

/** Notices nodes that are lost or not ready. */
export const nodeLifecycleController: ControllerDefinition = {
  name: "node-lifecycle-controller",
  account: "node-controller",
  eventSource: "node-controller",
  create: (context) => new NodeLifecycle(context),
};
