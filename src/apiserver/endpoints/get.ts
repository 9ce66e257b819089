import { notFound } from "../../machinery/index.ts";
import type { Item } from "../cache/index.ts";
import { itemKey } from "../registry/call.ts";
import { parseRevision } from "../registry/list.ts";
import type { Answer } from "../request/answer.ts";
import type { EndpointCall } from "./call.ts";
import { type ObjectView, wholeView } from "./object-view.ts";

/** GET of one object, or of one of its subresources. */
export async function getEndpoint(call: EndpointCall, view: ObjectView = wholeView(call)): Promise<Answer> {
  return answerOf(call, view, await getItem(call), 200);
}

/** An item as a view shows it. */
export function answerOf(call: EndpointCall, view: ObjectView, item: Item, status: number): Answer {
  const { served } = call;
  if (view.whole) return { type: "stored", status, served, item };
  return { type: "object", status, served, object: view.show(item.object) };
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
