import type { ControllerDefinition } from "../common/context.ts";
import { JobController } from "./controller.ts";

/** Jobs: pods that run to completion. */
export const jobController: ControllerDefinition = {
  name: "job-controller",
  account: "job-controller",
  create: (context) => new JobController(context).component,
};
