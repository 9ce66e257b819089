import type { ControllerDefinition } from "../common/context.ts";
import { ResourceQuotaController } from "./controller.ts";

/** ResourceQuotas: how much of everything a namespace uses. */
export const resourceQuotaController: ControllerDefinition = {
  name: "resourcequota-controller",
  account: "resourcequota-controller",
  create: (context) => new ResourceQuotaController(context).component,
};
