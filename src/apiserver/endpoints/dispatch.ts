import { failure, methodNotSupported, type StatusError } from "../../machinery/index.ts";
import type { Served } from "../catalog/kind.ts";
import type { Answer } from "../request/answer.ts";
import type { RequestContext } from "../request/types.ts";
import { type BareCall, checkPathName, type Core, type EndpointCall } from "./call.ts";
import { createEndpoint } from "./create.ts";
import { deleteCollectionEndpoint } from "./delete-collection.ts";
import { deleteEndpoint } from "./delete.ts";
import { getEndpoint } from "./get.ts";
import { listEndpoint } from "./list.ts";
import { patchEndpoint } from "./patch.ts";
import { subresourceEndpoint } from "./subresources/index.ts";
import { updateEndpoint } from "./update.ts";
import { watchEndpoint } from "./watch.ts";

type Endpoint = (call: EndpointCall) => Promise<Answer>;

/** The verbs of stored resources. */
const VERBS: Readonly<Record<string, Endpoint>> = {
  get: (call) => getEndpoint(call),
  list: listEndpoint,
  watch: watchEndpoint,
  create: createEndpoint,
  update: (call) => updateEndpoint(call),
  patch: (call) => patchEndpoint(call),
  delete: deleteEndpoint,
  deletecollection: deleteCollectionEndpoint,
};

/** Verbs that are of a single object, and those that are of a collection. */
const NAMED = new Set(["get", "update", "patch", "delete"]);
const COLLECTION = new Set(["list", "create", "deletecollection"]);

/** Finds the endpoint of a resource request and calls it. Throws 404 for what is not served, 405 for what it can't do. */
export async function dispatch(core: Core, context: RequestContext): Promise<Answer> {
  const { info } = context;
  const served = await core.catalog.findSettled(info.group, info.version, info.resource);
  if (!served || !scopeFits(served, context)) throw unknownPath();
  const { resource, kind } = served;
  context.request.negotiate?.(served.model.typedItems);
  for (const warning of served.warnings ?? []) context.warn(warning);
  const { subresource, pathName, verb } = info;
  if (!allowedVerbs(served, subresource).includes(verb)) throw methodNotSupported(resource, verb);
  const namespace = resource.namespaced ? info.namespace : "";
  const call: BareCall = { core, context, served, name: pathName, namespace, subresource };
  if (!kind) return (await unstoredEndpoint(call))(call);
  const full: EndpointCall = { ...call, kind };
  if (subresource !== "") {
    const endpoint = await subresourceEndpoint(full, verb);
    if (!endpoint) throw methodNotSupported(resource, verb);
    return endpoint(full);
  }
  if (pathName === "" ? NAMED.has(verb) : COLLECTION.has(verb)) throw methodNotSupported(resource, verb);
  if (pathName !== "") checkPathName(pathName);
  const endpoint = VERBS[verb];
  if (!endpoint) throw methodNotSupported(resource, verb);
  return endpoint(full);
}

/** Resources that are answered without being stored; loaded when first used. */
async function unstoredEndpoint({ served, core }: BareCall): Promise<(call: BareCall) => Promise<Answer>> {
  switch (served.resource.resource) {
    case "componentstatuses":
      return (await import("./component-statuses.ts")).componentStatusEndpoint;
    case "bindings": {
      const { bindEndpoint } = await import("./subresources/binding.ts");
      const pods = core.catalog.find("", "v1", "pods")?.kind;
      if (!pods) throw unknownPath();
      return (call) => bindEndpoint({ ...call, kind: pods });
    }
    default:
      return (await import("./reviews.ts")).reviewEndpoint;
  }
}

/** Namespaced resources answer below a namespace, and lists and watches for all; cluster-scoped ones never below one. */
function scopeFits({ resource }: Served, { info }: RequestContext): boolean {
  if (!resource.namespaced) return info.namespace === "" || info.resource === "namespaces";
  if (info.namespace !== "") return true;
  return info.pathName === "" && (info.verb === "list" || info.verb === "watch");
}

function allowedVerbs({ resource }: Served, subresource: string): readonly string[] {
  if (subresource === "") return resource.verbs;
  const found = resource.subresources.find((sub) => sub.name === subresource);
  if (!found) throw unknownPath();
  return found.verbs;
}

/** What upstream says of a path that nobody serves. */
export function unknownPath(): StatusError {
  const message = "the server could not find the requested resource";
  return failure({ code: 404, reason: "NotFound", message, details: {} });
}
