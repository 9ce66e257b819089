import type { ControllerDefinition } from "../common/context.ts";
import { AutoscalerController } from "./controller.ts";

/** HorizontalPodAutoscalers: sizes that follow metrics. */
export const autoscalerController: ControllerDefinition = {
  name: "horizontal-pod-autoscaler-controller",
  account: "horizontal-pod-autoscaler",
  eventSource: "horizontal-pod-autoscaler",
  create: (context) => new AutoscalerController(context).component,
};
