import type { ControllerDefinition } from "../common/context.ts";
import { ResourceClaimController } from "./controller.ts";

/** ResourceClaims: pods' claims to devices. */
export const resourceClaimController: ControllerDefinition = {
  name: "resourceclaim-controller",
  account: "resource-claim-controller",
  eventSource: "resource_claim",
  create: (context) => new ResourceClaimController(context).component,
};
