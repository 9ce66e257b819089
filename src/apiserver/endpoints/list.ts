import { listObjects } from "../registry/list.ts";
import type { Answer } from "../request/answer.ts";
import { listOptions } from "../request/options.ts";
import { type EndpointCall, predicateOf } from "./call.ts";

/** GET of a collection. */
export async function listEndpoint(call: EndpointCall): Promise<Answer> {
  const options = listOptions(call.context.request.query, false, call.served.fields);
  const { limit, match, resourceVersion } = options;
  const request = { predicate: predicateOf(call, options), limit, continue: options.continue, resourceVersion, match };
  return { type: "list", served: call.served, page: await listObjects(call.core.store, call.kind, request) };
}
