import { attributesOf } from "../chain/authorize.ts";
import type { EndpointCall } from "./call.ts";

/** An update or patch that comes down to a creation needs the right to create as well. */
export async function authorizeCreate({ core, context }: EndpointCall): Promise<void> {
  await core.gate.require({ ...attributesOf(context.info, context.user), verb: "create" }, context);
}
