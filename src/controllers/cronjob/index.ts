import type { ControllerDefinition } from "../common/context.ts";
import { CronJobController } from "./controller.ts";

/** CronJobs: Jobs by the clock. */
export const cronJobController: ControllerDefinition = {
  name: "cronjob-controller",
  account: "cronjob-controller",
  create: (context) => new CronJobController(context).component,
};
