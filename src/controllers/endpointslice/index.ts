import type { ControllerDefinition } from "../common/context.ts";
import { EndpointSliceController } from "./controller.ts";

/** EndpointSlices of Services with selectors. */
export const endpointSliceController: ControllerDefinition = {
  name: "endpointslice-controller",
  account: "endpointslice-controller",
  eventSource: "endpoint-slice-controller",
  create: (context) => new EndpointSliceController(context).component,
};
