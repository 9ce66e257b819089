import type { ControllerDefinition } from "../common/context.ts";
import { DaemonSetController } from "./controller.ts";

/** DaemonSets: a pod on every node that fits. */
export const daemonSetController: ControllerDefinition = {
  name: "daemonset-controller",
  account: "daemon-set-controller",
  create: (context) => new DaemonSetController(context).component,
};
