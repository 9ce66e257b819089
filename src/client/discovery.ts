import type { apidiscoveryv2, metav1, Resource, Subresource } from "../api/index.ts";
import { mapConcurrent } from "../kit/index.ts";
import type { Client } from "./client.ts";
import type { AnyObject, ServedVersion } from "./served-resources.ts";
import { ServedResources } from "./served-resources.ts";

const AGGREGATED =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList," +
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const PARALLEL = 8;

type Groups = apidiscoveryv2.APIGroupDiscoveryList | metav1.APIGroupList | metav1.APIVersions;

/**
 * Asks a server what it serves, extensions included: two requests, or one more for each version where the server does not know
 * aggregated discovery. What an extension that is down serves is unknown, not absent: see `stale`.
 */
export async function discover(client: Client, signal?: AbortSignal): Promise<ServedResources> {
  const [core, others] = await Promise.all([versionsAt(client, "/api", signal), versionsAt(client, "/apis", signal)]);
  return new ServedResources([...core, ...others]);
}

async function versionsAt(client: Client, path: string, signal: AbortSignal | undefined): Promise<ServedVersion[]> {
  const groups = await get<Groups>(client, path, AGGREGATED, signal);
  if (groups.kind === "APIGroupDiscoveryList")
    return (groups as apidiscoveryv2.APIGroupDiscoveryList).items.flatMap(fromGroup);
  const named =
    "versions" in groups
      ? groups.versions.map((version) => ({ group: "", version }))
      : (groups as metav1.APIGroupList).groups.flatMap(preferredFirst);
  return mapConcurrent(named, PARALLEL, (one) => fetchVersion(client, one, signal), signal);
}

/** The versions of a group, the preferred one first whatever its place. */
function preferredFirst(group: metav1.APIGroup): { group: string; version: string }[] {
  const versions = group.versions.map((v) => v.version);
  const preferred = group.preferredVersion?.version;
  const sorted = preferred === undefined ? versions : [preferred, ...versions.filter((v) => v !== preferred)];
  return sorted.map((version) => ({ group: group.name, version }));
}

async function fetchVersion(
  client: Client,
  { group, version }: { readonly group: string; readonly version: string },
  signal: AbortSignal | undefined,
): Promise<ServedVersion> {
  const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const list = await get<metav1.APIResourceList>(client, path, "application/json", signal);
    return { group, version, resources: fromList(group, version, list) };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { group, version };
  }
}

async function get<T>(client: Client, path: string, accept: string, signal: AbortSignal | undefined): Promise<T> {
  const { body } = await client.transport.request({
    method: "GET",
    path,
    headers: { accept },
    ...(signal && { signal }),
  });
  return body as T;
}

function fromGroup(group: apidiscoveryv2.APIGroupDiscovery): ServedVersion[] {
  const name = group.metadata?.name ?? "";
  return (group.versions ?? []).map(({ version, resources, freshness }) => ({
    group: name,
    version,
    ...(freshness !== "Stale" && { resources: (resources ?? []).map((r) => fromDiscovery(name, version, r)) }),
  }));
}

function fromDiscovery(
  group: string,
  version: string,
  found: apidiscoveryv2.APIResourceDiscovery,
): Resource<AnyObject> {
  const kind = found.responseKind?.kind ?? "";
  return resource({
    group,
    version,
    resource: found.resource,
    singular: found.singularResource ?? "",
    kind,
    namespaced: found.scope === "Namespaced",
    verbs: found.verbs ?? [],
    shortNames: found.shortNames ?? [],
    categories: found.categories ?? [],
    responseKind: [found.responseKind?.group || group, found.responseKind?.version || version, kind],
    subresources: (found.subresources ?? []).map((sub) => ({
      name: sub.subresource,
      verbs: sub.verbs ?? [],
      kind: [sub.responseKind?.group || group, sub.responseKind?.version || version, sub.responseKind?.kind ?? ""],
    })),
  });
}

function fromList(group: string, version: string, list: metav1.APIResourceList): Resource<AnyObject>[] {
  const subresources = new Map<string, Subresource[]>();
  for (const found of list.resources) {
    const [parent = "", ...rest] = found.name.split("/");
    if (rest.length === 0) continue;
    const kind = [found.group ?? group, found.version ?? version, found.kind] as const;
    const known = subresources.get(parent) ?? [];
    subresources.set(parent, [...known, { name: rest.join("/"), verbs: found.verbs, kind }]);
  }
  return list.resources
    .filter((found) => !found.name.includes("/"))
    .map((found) =>
      resource({
        group,
        version,
        resource: found.name,
        singular: found.singularName,
        kind: found.kind,
        namespaced: found.namespaced,
        verbs: found.verbs,
        shortNames: found.shortNames ?? [],
        categories: found.categories ?? [],
        responseKind: [found.group || group, found.version || version, found.kind],
        subresources: subresources.get(found.name) ?? [],
      }),
    );
}

/** What discovery does not tell concerns only the server. */
function resource(
  told: Omit<Resource<AnyObject>, "enabledByDefault" | "selectableFields" | "createOnUpdate" | "unconditionalUpdate">,
): Resource<AnyObject> {
  return { ...told, enabledByDefault: true, selectableFields: [], createOnUpdate: false, unconditionalUpdate: false };
}
