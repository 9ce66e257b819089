import type { ControllerDefinition } from "../common/context.ts";
import { approver } from "./approver.ts";
import { cleaner } from "./cleaner.ts";
import { signer } from "./signer.ts";

const account = "certificate-controller";

/** Nodes' requests for client certificates are approved. */
export const requestApprovingController: ControllerDefinition = {
  name: "certificatesigningrequest-approving-controller",
  account,
  create: approver,
};

/** Approved requests are signed. */
export const requestSigningController: ControllerDefinition = {
  name: "certificatesigningrequest-signing-controller",
  account,
  create: signer,
};

/** Old requests are deleted. */
export const requestCleaningController: ControllerDefinition = {
  name: "certificatesigningrequest-cleaner-controller",
  account,
  create: cleaner,
};
