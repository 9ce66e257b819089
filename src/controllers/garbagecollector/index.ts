import type { ControllerDefinition } from "../common/context.ts";
import { GarbageCollector } from "./controller.ts";

/** Owner references mean something: what has lost its owners goes. */
export const garbageCollectorController: ControllerDefinition = {
  name: "garbage-collector-controller",
  account: "generic-garbage-collector",
  create: (context) => new GarbageCollector(context),
};
