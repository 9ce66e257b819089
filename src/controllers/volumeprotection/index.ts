import type { ControllerDefinition } from "../common/context.ts";
import { ClaimProtection } from "./claims.ts";
import { attributesClassProtection } from "./classes.ts";
import { volumeProtection } from "./volumes.ts";

/** Claims in use are not deleted. */
export const claimProtectionController: ControllerDefinition = {
  name: "persistentvolumeclaim-protection-controller",
  account: "pvc-protection-controller",
  create: (context) => new ClaimProtection(context).component,
};

/** Bound volumes are not deleted. */
export const volumeProtectionController: ControllerDefinition = {
  name: "persistentvolume-protection-controller",
  account: "pv-protection-controller",
  create: volumeProtection,
};

/** Volume attributes classes in use are not deleted. */
export const attributesClassProtectionController: ControllerDefinition = {
  name: "volumeattributesclass-protection-controller",
  account: "volumeattributesclass-protection-controller",
  create: attributesClassProtection,
};
