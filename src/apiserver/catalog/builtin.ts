import { allResources, type Resource } from "../../api/index.ts";
import { type Feed, type ParseHints, REGISTRY, ResourceCache } from "../cache/index.ts";
import type { Env } from "../../kit/index.ts";
import type { Store } from "../../store/index.ts";
import type { ServiceLike, Strategies } from "../resources/index.ts";
import { terminateDefinition } from "../crd/definition/kind.ts";
import type { ApiObject, Strategy } from "../seams/index.ts";
import { readField } from "./fields.ts";
import type { Served, StoredKind } from "./kind.ts";
import { builtinModel } from "./model.ts";

/** What the built-in part of the catalog is made with. */
export interface BuiltinOptions {
  readonly store: Store;
  readonly feed: Feed;
  readonly hints: ParseHints;
  readonly env: Env;
  strategyFor(resource: Resource): Strategy;
  /** Told of every stored Service, and of its end. */
  readonly services: Strategies["services"];
  /** Which resources to serve. */
  enabled(resource: Resource): boolean;
  readonly eventTtlSeconds: number;
}

/** Fields that are worth an index of their watchers: one watcher in many has the same value. */
const TRIGGERS: Readonly<Record<string, string>> = {
  pods: "spec.nodeName",
  "resourceslices.resource.k8s.io": "spec.nodeName",
};

/** What requests for resources on their way out are warned of. */
const DEPRECATED: Readonly<Record<string, readonly string[]>> = {
  endpoints: ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"],
  componentstatuses: ["v1 ComponentStatus is deprecated in v1.19+"],
};

const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

/** Kinds whose DELETE answers with the object (upstream's ReturnDeletedObject). */
const RETURNS_DELETED = new Set([
  "namespaces",
  "persistentvolumeclaims",
  "persistentvolumes",
  "pods",
  "podtemplates",
  "resourcequotas",
  "serviceaccounts",
  "services",
  "deviceclasses.resource.k8s.io",
  "devicetaintrules.resource.k8s.io",
  "resourceclaims.resource.k8s.io",
  "resourceclaimtemplates.resource.k8s.io",
  "resourceslices.resource.k8s.io",
  "csidrivers.storage.k8s.io",
  "csinodes.storage.k8s.io",
  "storageclasses.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
  "volumeattributesclasses.storage.k8s.io",
]);

/** Every built-in resource of every enabled version. Versions of one resource share a place in the store and a cache. */
export function builtinResources(options: BuiltinOptions): Served[] {
  const kinds = new Map<string, StoredKind>();
  return allResources
    .filter((resource) => options.enabled(resource))
    .map((resource) => {
      const hub = hubOf(resource);
      const model = builtinModel(resource, hub, options.env.clock);
      const warnings = DEPRECATED[qualifiedName(resource)];
      const common = { resource, model, fields: fieldsOf(resource), ...(warnings && { warnings }) };
      if (!hub.etcdPrefix || !resource.storage) return common;
      const name = qualifiedName(hub);
      const kind = kinds.get(name) ?? storedKind(hub, options);
      kinds.set(name, kind);
      return { ...common, kind };
    });
}

/** `pods`, `deployments.apps`. */
export function qualifiedName(resource: Pick<Resource, "group" | "resource">): string {
  return resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
}

function storedKind(hub: Resource, options: BuiltinOptions): StoredKind {
  const prefix = `${REGISTRY}${hub.etcdPrefix}/`;
  const { store, feed, hints, env } = options;
  const trigger = TRIGGERS[qualifiedName(hub)];
  const isServices = hub.group === "" && hub.resource === "services";
  return {
    hub,
    prefix,
    cache: new ResourceCache({
      store,
      feed,
      hints,
      env,
      prefix,
      read: readField,
      ...(trigger && { trigger }),
      ...(isServices && {
        observe: (key, item) => options.services.observe(key, item?.object as unknown as ServiceLike | undefined),
      }),
    }),
    strategy: options.strategyFor(hub),
    returnsDeleted: RETURNS_DELETED.has(qualifiedName(hub)),
    ...(hub.group === "" && hub.resource === "events" && { ttlSeconds: options.eventTtlSeconds }),
    ...(hub.group === "" &&
      hub.resource === "namespaces" && { holdsBack: hasSpecFinalizers, terminate: setTerminating }),
    ...(qualifiedName(hub) === DEFINITIONS && { terminate: terminateDefinition }),
  };
}

/** The version that objects are kept in: upstream's storage version where we serve it, else this one. */
function hubOf(resource: Resource): Resource {
  const [group, version] = resource.storage ?? [];
  return (
    allResources.find((r) => r.group === group && r.version === version && r.resource === resource.resource) ?? resource
  );
}

/** What a field selector may name, and where that is in the stored object. */
function fieldsOf({ group, resource, selectableFields }: Resource): ReadonlyMap<string, string> {
  const renamed = group === "events.k8s.io" && resource === "events";
  return new Map(selectableFields.map((field) => [field, renamed ? coreEventField(field) : field]));
}

/** events.k8s.io calls fields of a core Event by other names. */
function coreEventField(field: string): string {
  if (field === "reportingController") return "reportingComponent";
  return field.startsWith("regarding.") ? `involvedObject.${field.slice("regarding.".length)}` : field;
}

function hasSpecFinalizers(namespace: ApiObject): boolean {
  return ((namespace["spec"] as { finalizers?: string[] } | undefined)?.finalizers?.length ?? 0) > 0;
}

function setTerminating(namespace: ApiObject): void {
  namespace["status"] = { ...(namespace["status"] as object | undefined), phase: "Terminating" };
}
