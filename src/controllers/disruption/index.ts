import type { ControllerDefinition } from "../common/context.ts";
import { DisruptionController } from "./controller.ts";

/** PodDisruptionBudgets: how many pods may be evicted at a time. */
export const disruptionController: ControllerDefinition = {
  name: "disruption-controller",
  account: "disruption-controller",
  eventSource: "controllermanager",
  create: (context) => new DisruptionController(context),
};
