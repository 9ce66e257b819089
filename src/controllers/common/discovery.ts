import type { apidiscoveryv2, metav1, Resource } from "../../api/index.ts";
import { type Client, resourcePath } from "../../client/index.ts";
import { formatApiVersion } from "../../machinery/index.ts";

/** An object of any kind, as far as its metadata goes. */
export interface AnyObject {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: metav1.ObjectMeta;
}

/** What the server serves, and what it could not find out. */
export interface Discovery {
  /** Every resource once, in its preferred version. */
  readonly resources: readonly Resource<AnyObject>[];
  /** Every resource in every version. */
  readonly everyVersion: readonly Resource<AnyObject>[];
  /** `group/version`s whose resources are unknown at present: an extension API server that is down. */
  readonly stale: readonly string[];
}

const ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const LIST_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json";
const GET_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json";

/** Asks the server what it serves, extensions included, by aggregated discovery: two requests. */
export async function discover(client: Client, signal?: AbortSignal): Promise<Discovery> {
  const found = {
    resources: [] as Resource<AnyObject>[],
    everyVersion: [] as Resource<AnyObject>[],
    stale: [] as string[],
  };
  for (const path of ["/api", "/apis"]) {
    const groups = await groupsAt(client, path, signal);
    for (const group of groups) readGroup(group, found);
  }
  return found;
}

async function groupsAt(
  client: Client,
  path: string,
  signal: AbortSignal | undefined,
): Promise<readonly apidiscoveryv2.APIGroupDiscovery[]> {
  const request = { method: "GET", path, headers: { accept: ACCEPT } } as const;
  const { body } = await client.transport.request(signal === undefined ? request : { ...request, signal });
  const list = body as Partial<apidiscoveryv2.APIGroupDiscoveryList>;
  if (list.kind !== "APIGroupDiscoveryList") {
    throw new Error(`discovery at ${path} answered ${list.kind ?? "nothing"}: expected an APIGroupDiscoveryList`);
  }
  return list.items ?? [];
}

function readGroup(
  group: apidiscoveryv2.APIGroupDiscovery,
  found: { resources: Resource<AnyObject>[]; everyVersion: Resource<AnyObject>[]; stale: string[] },
): void {
  const name = group.metadata?.name ?? "";
  const known = new Set<string>();
  for (const { version = "", resources, freshness } of group.versions ?? []) {
    if (freshness === "Stale") found.stale.push(formatApiVersion(name, version));
    for (const served of resources ?? []) {
      const resource = resourceOf(name, version, served);
      found.everyVersion.push(resource);
      if (!known.has(served.resource)) found.resources.push(resource);
      known.add(served.resource);
    }
  }
}

function resourceOf(group: string, version: string, found: apidiscoveryv2.APIResourceDiscovery): Resource<AnyObject> {
  const kind = found.responseKind?.kind ?? "";
  return {
    group,
    version,
    resource: found.resource,
    singular: found.singularResource ?? "",
    kind,
    namespaced: found.scope === "Namespaced",
    enabledByDefault: true,
    verbs: found.verbs ?? [],
    shortNames: found.shortNames ?? [],
    categories: found.categories ?? [],
    responseKind: [found.responseKind?.group ?? group, found.responseKind?.version ?? version, kind],
    subresources: [],
    selectableFields: [],
    createOnUpdate: false,
    unconditionalUpdate: false,
  };
}

/** The metadata of all objects of a resource, in `namespace` when given: one request, whatever the objects' size. */
export async function listMetadata(
  client: Client,
  resource: Resource,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly AnyObject[]> {
  const path = resourcePath(resource, { namespace });
  const request = { method: "GET", path, headers: { accept: LIST_METADATA } } as const;
  const { body } = await client.transport.request(signal === undefined ? request : { ...request, signal });
  return (body as { readonly items?: readonly AnyObject[] }).items ?? [];
}

/** The metadata of one object as it is now. Rejects like any GET. */
export async function getMetadata(
  client: Client,
  resource: Resource,
  key: { readonly namespace?: string; readonly name: string },
  signal?: AbortSignal,
): Promise<AnyObject> {
  const path = resourcePath(resource, key);
  const request = { method: "GET", path, headers: { accept: GET_METADATA } } as const;
  const { body } = await client.transport.request(signal === undefined ? request : { ...request, signal });
  return body as AnyObject;
}
