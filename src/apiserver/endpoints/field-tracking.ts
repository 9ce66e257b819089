import { apiVersionOf } from "../../api/index.ts";
import {
  applyConfiguration,
  type ApplySchema,
  deepClone,
  deepEqual,
  FieldSet,
  normalize,
  parseApiVersion,
  trackUpdate,
  type WriteContext,
} from "../../machinery/index.ts";
import type { StoredObject } from "../cache/index.ts";
import type { Served } from "../catalog/kind.ts";
import { fromHub } from "../catalog/view.ts";
import type { ApiObject } from "../seams/index.ts";
import type { EndpointCall, WriteOptions } from "./call.ts";

type JsonObject = Record<string, unknown>;
const MAX_MANAGER = 128;

/**
 * The object with `metadata.managedFields` telling who owns what after this write. Both objects are in the version of the
 * request. Ownership is kept for objects that somebody applied to (or always, if the server is told so): what was there before
 * the first apply belongs to the manager "before-first-apply" then, as upstream has it for objects without owners.
 */
export function trackOwners(
  call: EndpointCall,
  live: StoredObject | undefined,
  next: ApiObject,
  options: WriteOptions,
): ApiObject {
  const tracked = live?.metadata["managedFields"] !== undefined;
  if (!tracked && !(call.core.trackAllFields && !live)) {
    delete next.metadata["managedFields"];
    return next;
  }
  const owned = trackUpdate(live as JsonObject | undefined, normalize(next) as JsonObject, contextOf(call, options));
  return withOldTimes(owned as unknown as ApiObject, live);
}

/** The live object with a configuration applied to it. Throws 409 for fields that others own. */
export function applyTo(
  call: EndpointCall,
  live: StoredObject | undefined,
  config: ApiObject,
  force: boolean,
  options: WriteOptions,
): ApiObject {
  const applied = applyConfiguration(
    live as JsonObject | undefined,
    config as JsonObject,
    force,
    contextOf(call, options),
  );
  return deepClone(applied) as unknown as ApiObject;
}

/** An apply or update that changes nothing but the times at which managers last wrote is no change. */
export function withOldTimes(next: ApiObject, live: StoredObject | undefined): ApiObject {
  const before = live?.metadata["managedFields"];
  if (!Array.isArray(before) || !deepEqual(timeless(next as unknown as StoredObject), timeless(live))) return next;
  return { ...next, metadata: { ...next.metadata, managedFields: before } };
}

function timeless(object: StoredObject | undefined): unknown {
  if (!object) return undefined;
  const entries = object.metadata["managedFields"] as readonly JsonObject[] | undefined;
  const managedFields = (entries ?? []).map((entry) => ({ ...entry, time: undefined }));
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

function contextOf(call: EndpointCall, options: WriteOptions): WriteContext {
  const { core, served, subresource, context } = call;
  const { resource } = served;
  const at = (apiVersion: string): Served | undefined => {
    const { group, version } = parseApiVersion(apiVersion);
    return core.catalog.find(group, version, resource.resource);
  };
  return {
    manager: managerOf(call, options),
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    subresource,
    now: context.now,
    schemaAt: (apiVersion): ApplySchema | undefined => at(apiVersion)?.model.applySchema?.(),
    convert(object, apiVersion) {
      const other = at(apiVersion);
      return other && (convertBetween(served, other, object) as JsonObject | undefined);
    },
    resetFields: () => (hasStatus(served) ? RESET[subresource] : undefined),
  };
}

/** An object of one served version in the form of another. */
function convertBetween(from: Served, to: Served, object: JsonObject): unknown {
  const own = deepClone(object) as unknown as ApiObject;
  const hub = from.model.convert ? from.model.convert.toHub(own) : own;
  if (from.kind) hub.apiVersion = apiVersionOf(from.kind.hub);
  return fromHub(to, hub as unknown as StoredObject);
}

/** What each endpoint takes from the stored object whatever the request says. */
const RESET: Readonly<Record<string, FieldSet>> = {
  "": FieldSet.of(["f:status"]),
  status: FieldSet.of(["f:spec"], ["f:metadata", "f:labels"]),
};

function hasStatus({ resource }: Served): boolean {
  return resource.subresources.some((sub) => sub.name === "status");
}

/** The field manager the request names, else the program that sent it. */
function managerOf({ context }: EndpointCall, { fieldManager }: WriteOptions): string {
  if (fieldManager !== "") return fieldManager;
  const agent = context.request.headers["user-agent"] ?? "unknown";
  const slash = agent.indexOf("/");
  return (slash < 0 ? agent : agent.slice(0, slash)).slice(0, MAX_MANAGER);
}
