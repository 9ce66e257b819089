import { notFound } from "../../machinery/index.ts";
import type { Item } from "../cache/index.ts";
import { itemKey } from "../registry/call.ts";
import { parseRevision } from "../registry/list.ts";
import type { Answer } from "../request/answer.ts";
import type { EndpointCall } from "./call.ts";

/** GET of one object. */
export async function getEndpoint(call: EndpointCall): Promise<Answer> {
  return { type: "stored", status: 200, served: call.served, item: await getItem(call) };
}

/** The object the call names, at least as new as the request's resourceVersion; throws 404. */
export async function getItem(call: EndpointCall): Promise<Item> {
  const { cache } = call.kind;
  const revision = parseRevision(call.context.request.query.get("resourceVersion"));
  if (revision === undefined) await cache.fresh();
  else await cache.reached(revision);
  const item = cache.get(itemKey(call.namespace, call.name));
  if (!item) throw notFound(call.served.resource, call.name);
  return item;
}
