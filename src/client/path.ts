import type { Resource } from "../api/index.ts";
import { CodedError } from "../kit/index.ts";

/** What of a resource a path needs. */
export type PathResource = Pick<Resource, "group" | "version" | "resource" | "namespaced">;

export interface PathOptions {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** `/api/v1` or `/apis/GROUP/VERSION`. */
export function groupVersionPath(resource: Pick<Resource, "group" | "version">): string {
  const { group, version } = resource;
  return group === "" ? `/api/${version}` : `/apis/${encodeURIComponent(group)}/${version}`;
}

/** The path of a collection, or with `name` of an object; every part percent-encoded. */
export function resourcePath(resource: PathResource, options: PathOptions = {}): string {
  const { namespace, name, subresource } = options;
  let path = groupVersionPath(resource);
  if (resource.namespaced && namespace !== undefined && namespace !== "") path += `/namespaces/${segment(namespace)}`;
  path += `/${resource.resource}`;
  if (name !== undefined) path += `/${segment(name)}`;
  if (subresource !== undefined && subresource !== "") {
    path += `/${subresource.split("/").map(encodeURIComponent).join("/")}`;
  }
  return path;
}

/** The path of one object; a namespaced one must say its namespace, and every one its name. */
export function objectPath(resource: PathResource, options: PathOptions): string {
  if (!options.name) throw new CodedError("NameMissing", `no name given for an object of ${resource.resource}`);
  requireNamespace(resource, options.namespace);
  return resourcePath(resource, options);
}

/** Refuses a namespaced resource without namespace, which would address another collection. */
export function requireNamespace(resource: PathResource, namespace: string | undefined): void {
  if (!resource.namespaced || (namespace !== undefined && namespace !== "")) return;
  throw new CodedError("NamespaceMissing", `no namespace given, but ${resource.resource} live in one`);
}

/** `.` and `..` stay as they are under percent-encoding, and would be folded away on the way. */
function segment(text: string): string {
  if (text !== "." && text !== "..") return encodeURIComponent(text);
  throw new CodedError("NameInvalid", `"${text}" may not be the name of an object`);
}

/** Encodes query parameters in the order given; absent ones are left out. Starts with `?` unless empty. */
export function queryString(query: Readonly<Record<string, string | readonly string[] | undefined>> = {}): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of typeof value === "string" ? [value] : value) {
      parts.push(`${encodeURIComponent(key)}=${encodeURIComponent(one)}`);
    }
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
