import type { ControllerDefinition } from "../common/context.ts";
import { DeploymentController } from "./controller.ts";

/** Deployments: rolling and recreating updates, scaling in proportion, rollback by template, history. */
export const deploymentController: ControllerDefinition = {
  name: "deployment-controller",
  account: "deployment-controller",
  create: (context) => new DeploymentController(context).component,
};
