import type { ControllerDefinition } from "../common/context.ts";
import { NamespaceController } from "./controller.ts";

/** Namespaces that are being deleted are emptied and let go. */
export const namespaceController: ControllerDefinition = {
  name: "namespace-controller",
  account: "namespace-controller",
  create: (context) => new NamespaceController(context).component,
};
