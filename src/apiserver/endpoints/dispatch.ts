import { failure, methodNotSupported, type StatusError } from "../../machinery/index.ts";
import type { Served } from "../catalog/kind.ts";
import type { Answer } from "../request/answer.ts";
import type { RequestContext } from "../request/types.ts";
import { checkPathName, type Core, type EndpointCall } from "./call.ts";
import { createEndpoint } from "./create.ts";
import { deleteCollectionEndpoint } from "./delete-collection.ts";
import { deleteEndpoint } from "./delete.ts";
import { getEndpoint } from "./get.ts";
import { listEndpoint } from "./list.ts";
import { patchEndpoint } from "./patch.ts";
import { updateEndpoint } from "./update.ts";
import { watchEndpoint } from "./watch.ts";

export type Endpoint = (call: EndpointCall) => Promise<Answer>;

/** The verbs of stored resources; those of a single object need a name in the path. */
const VERBS: Readonly<Record<string, { readonly endpoint: Endpoint; readonly named: boolean }>> = {
  get: { endpoint: getEndpoint, named: true },
  list: { endpoint: listEndpoint, named: false },
  watch: { endpoint: watchEndpoint, named: false },
  create: { endpoint: createEndpoint, named: false },
  update: { endpoint: updateEndpoint, named: true },
  patch: { endpoint: patchEndpoint, named: true },
  delete: { endpoint: deleteEndpoint, named: true },
  deletecollection: { endpoint: deleteCollectionEndpoint, named: false },
};

/** Subresources that are a view of the object itself: the strategy says what they may change. */
const VIEWS = new Set(["status", "finalize", "approval", "ephemeralcontainers", "resize"]);

/** Finds the endpoint of a resource request and calls it. Throws 404 for what is not served, 405 for what it can't do. */
export async function dispatch(core: Core, context: RequestContext): Promise<Answer> {
  const { info } = context;
  const served = core.catalog.find(info.group, info.version, info.resource);
  if (!served || !scopeFits(served, context)) throw unknownPath();
  const verb = info.verb === "watch" && info.pathName !== "" ? "watch" : info.verb;
  const route = VERBS[verb];
  if (!route || !allows(served, info.subresource, verb)) throw methodNotSupported(served.resource, info.verb);
  if (!served.kind) throw unknownPath();
  if (info.pathName !== "") checkPathName(info.pathName);
  const call: EndpointCall = {
    core,
    context,
    served,
    kind: served.kind,
    name: info.pathName,
    namespace: served.resource.namespaced ? info.namespace : "",
    subresource: info.subresource,
  };
  return route.endpoint(call);
}

/** Namespaced resources answer below a namespace, and lists and watches for all; cluster-scoped ones never below one. */
function scopeFits({ resource }: Served, { info }: RequestContext): boolean {
  if (!resource.namespaced) return info.namespace === "" || info.resource === "namespaces";
  if (info.namespace !== "") return true;
  return info.pathName === "" && (info.verb === "list" || info.verb === "watch" || info.verb === "deletecollection");
}

function allows({ resource }: Served, subresource: string, verb: string): boolean {
  if (subresource === "") return resource.verbs.includes(verb);
  const found = resource.subresources.find((sub) => sub.name === subresource);
  if (!found) throw unknownPath();
  return VIEWS.has(subresource) && found.verbs.includes(verb);
}

/** What upstream says of a path that nobody serves. */
export function unknownPath(): StatusError {
  return failure({
    code: 404,
    reason: "NotFound",
    message: "the server could not find the requested resource",
    details: {},
  });
}
