import { apiVersionOf, type metav1, type Resource, type Subresource } from "../../api/index.ts";
import type { Remote } from "../aggregation/types.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { Served } from "../catalog/kind.ts";
import { servedGroups, type ServedGroup } from "./order.ts";

/** `/api`. */
export function legacyVersions(address: string): object {
  const serverAddressByClientCIDRs = [{ clientCIDR: "0.0.0.0/0", serverAddress: address }];
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs };
}

/** `/apis`. */
export function groupList(catalog: Catalog): object {
  return { kind: "APIGroupList", apiVersion: "v1", groups: servedGroups(catalog).map(groupEntry) };
}

/** `/apis/<group>`; undefined for a group that is not served. */
export function groupDocument(catalog: Catalog, name: string): object | undefined {
  const group = servedGroups(catalog).find((one) => one.name === name);
  return group && { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group) };
}

function groupEntry({ name, versions }: ServedGroup): object {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined for what is not served. */
export function resourceList(catalog: Catalog, group: string, version: string): object | undefined {
  const served = catalog.in(group, version);
  if (served.length === 0) return undefined;
  const resources = served.flatMap(({ resource }) => resourceEntries(resource)).toSorted(byName);
  const groupVersion = apiVersionOf({ group, version });
  return { kind: "APIResourceList", ...(group !== "" && { apiVersion: "v1" }), groupVersion, resources };
}

function byName(a: metav1.APIResource, b: metav1.APIResource): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function resourceEntries(resource: Resource): metav1.APIResource[] {
  const { namespaced, shortNames, categories, storageVersionHash } = resource;
  const own: metav1.APIResource = {
    name: resource.resource,
    singularName: resource.singular,
    namespaced,
    kind: resource.kind,
    verbs: [...resource.verbs],
    ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
    ...(categories.length > 0 && { categories: [...categories] }),
    ...(storageVersionHash !== undefined && { storageVersionHash }),
  };
  return [own, ...resource.subresources.map((sub) => subresourceEntry(resource, sub))];
}

function subresourceEntry(resource: Resource, sub: Subresource): metav1.APIResource {
  const [group, version, kind] = sub.kind;
  const elsewhere = group !== resource.group || version !== resource.version;
  return {
    name: `${resource.resource}/${sub.name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...(elsewhere && { ...(group !== "" && { group }), version }),
    kind,
    verbs: [...sub.verbs],
  };
}

/** Everything in one document (KEP-3352): of the core group for `/api`, of all others for `/apis`. */
export function aggregated(catalog: Catalog, core: boolean, version: string): object {
  const groups = core ? [{ name: "", versions: ["v1"] }] : servedGroups(catalog);
  const items = groups.map((group) => ({
    metadata: { ...(group.name !== "" && { name: group.name }), creationTimestamp: null },
    versions: group.versions.map((v) => aggregatedVersion(catalog, group.name, v)),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

function aggregatedVersion(catalog: Catalog, group: string, version: string): object {
  const remote = catalog.remotes.find((one) => one.group === group && one.version === version);
  if (!remote) {
    const all = catalog.in(group, version).toSorted(byResource).map(aggregatedResource);
    return { version, resources: all, freshness: "Current" };
  }
  return { version, resources: remoteResources(remote), freshness: remote.stale ? "Stale" : "Current" };
}

/** What another server's older kind of discovery says, in the newer form. */
function remoteResources({ group, version, resources = [] }: Remote): object[] {
  const kind = (r: metav1.APIResource): object => ({
    group: r.group ?? group,
    version: r.version ?? version,
    kind: r.kind,
  });
  return resources
    .filter((one) => !one.name.includes("/"))
    .map((one) => {
      const subresources = resources
        .filter((sub) => sub.name.startsWith(`${one.name}/`))
        .map((sub) => ({
          subresource: sub.name.slice(one.name.length + 1),
          responseKind: kind(sub),
          verbs: sub.verbs,
        }));
      return {
        resource: one.name,
        responseKind: kind(one),
        scope: one.namespaced ? "Namespaced" : "Cluster",
        singularResource: one.singularName,
        verbs: one.verbs,
        ...(one.shortNames && { shortNames: one.shortNames }),
        ...(one.categories && { categories: one.categories }),
        ...(subresources.length > 0 && { subresources }),
      };
    });
}

function byResource(a: Served, b: Served): number {
  return a.resource.resource < b.resource.resource ? -1 : 1;
}

function aggregatedResource({ resource }: Served): object {
  const { shortNames, categories, subresources } = resource;
  const subs = subresources
    .map(({ name, kind, verbs }) => ({ subresource: name, responseKind: kindOf(kind), verbs }))
    .toSorted((a, b) => (a.subresource < b.subresource ? -1 : 1));
  return {
    resource: resource.resource,
    responseKind: kindOf(resource.responseKind),
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subs.length > 0 && { subresources: subs }),
  };
}

function kindOf([group, version, kind]: readonly [string, string, string]): object {
  return { group, version, kind };
}
