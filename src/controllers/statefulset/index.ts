import type { ControllerDefinition } from "../common/context.ts";
import { StatefulSetController } from "./controller.ts";

/** StatefulSets: numbered pods with names and volumes that stay. */
export const statefulSetController: ControllerDefinition = {
  name: "statefulset-controller",
  account: "statefulset-controller",
  create: (context) => new StatefulSetController(context).component,
};
