import type { GroupVersionKind } from "../../api/index.ts";

/** What names an object's type. */
export interface TypedObject {
  readonly apiVersion: string;
  readonly kind: string;
}

/** `apps/v1` → `{group: "apps", version: "v1"}`; `v1` is of the core group, which is the empty string. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf("/");
  if (slash < 0) return { group: "", version: apiVersion };
  return { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `apps`, `v1` → `apps/v1`. */
export function formatApiVersion(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The group, version and kind that an object says it is. */
export function gvkOf(object: TypedObject): GroupVersionKind {
  const { group, version } = parseApiVersion(object.apiVersion);
  return [group, version, object.kind];
}

/** `apps/v1, Kind=Deployment`, as upstream's messages print a kind. */
export function printGvk([group, version, kind]: GroupVersionKind): string {
  return `${group}/${version}, Kind=${kind}`;
}

/** Whether two apiVersion/kind pairs mean the same group and kind, versions aside. */
export function sameGroupKind(a: TypedObject, b: TypedObject): boolean {
  return a.kind === b.kind && parseApiVersion(a.apiVersion).group === parseApiVersion(b.apiVersion).group;
}
