import { mapConcurrent } from "../../kit/index.ts";
import { isNotFound } from "../../machinery/index.ts";
import { listObjects } from "../registry/list.ts";
import type { Answer } from "../request/answer.ts";
import { listOptions } from "../request/options.ts";
import { type EndpointCall, predicateOf } from "./call.ts";
import { deleteNamed, deleteOptions } from "./delete.ts";

const WORKERS = 16;

/** DELETE of a collection: each matching object as if alone; not atomic. Answers with what was listed. */
export async function deleteCollectionEndpoint(call: EndpointCall): Promise<Answer> {
  const { core, kind, served } = call;
  const list = listOptions(call.context.request.query, false, served.fields);
  const options = await deleteOptions(call);
  const { limit, match, resourceVersion } = list;
  const request = { predicate: predicateOf(call, list), limit, continue: list.continue, resourceVersion, match };
  const page = await listObjects(core.store, kind, request);
  await mapConcurrent(page.items, WORKERS, async (item) => {
    try {
      await deleteNamed({ ...call, namespace: item.namespace }, item.name, options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  });
  return { type: "list", served, page };
}
