import { parseFieldSelector } from "../../machinery/index.ts";
import type { Query } from "./query.ts";

/** What a request is about, read from its method, path and query alone; authorization and dispatch go by it. */
export interface RequestInfo {
  /** False for paths such as /healthz and /apis. */
  readonly isResource: boolean;
  /** The path as it came, percent-encoded, without query. */
  readonly path: string;
  /** get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in lower case. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  /** The object's name, also when a list or watch names it by a field selector. */
  readonly name: string;
  /** The name in the path; empty for a list even when {@link name} is set. */
  readonly pathName: string;
  /** What follows the subresource in the path, still percent-encoded, with its leading slash; else empty. */
  readonly rest: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};
/** What may follow a namespace's name and is of the namespace itself, not a resource in it. */
const NAMESPACE_SUBRESOURCES = new Set(["status", "finalize"]);
/** Subresources behind which any path may follow. */
const OPEN_ENDED = new Set(["proxy"]);

/** Reads the request info. Never throws: what makes no sense becomes a path that nobody serves. */
export function requestInfo(method: string, path: string, query: Query): RequestInfo {
  const parts = path.split("/").filter((part) => part !== "");
  const grouped = parts[0] === "apis";
  const head = grouped ? 3 : 2;
  if ((!grouped && parts[0] !== "api") || parts.length <= head) return pathInfo(method, path);
  const names = parts.map(decodeSegment);
  let at = head;
  let verb = VERBS[method] ?? "";
  const legacyWatch = names[at] === "watch" && verb === "get";
  if (legacyWatch) at++;
  let namespace = "";
  if (names[at] === "namespaces" && names.length > at + 1) {
    namespace = names[at + 1] ?? "";
    if (names.length > at + 2 && !NAMESPACE_SUBRESOURCES.has(names[at + 2] ?? "")) at += 2;
  }
  const resource = names[at] ?? "";
  const pathName = names[at + 1] ?? "";
  const subresource = names[at + 2] ?? "";
  const tail = parts.slice(at + 3);
  const rest = tail.length > 0 ? `/${tail.join("/")}${path.endsWith("/") ? "/" : ""}` : "";
  if (rest !== "" && !OPEN_ENDED.has(subresource)) return pathInfo(method, path);
  if (pathName === "" && verb === "get") verb = legacyWatch || query.flag("watch") ? "watch" : "list";
  else if (legacyWatch || (verb === "get" && subresource === "" && query.flag("watch"))) verb = "watch";
  if (pathName === "" && verb === "delete") verb = "deletecollection";
  const selects = verb === "list" || verb === "watch" || verb === "deletecollection";
  const fieldSelector = selects ? query.get("fieldSelector") : "";
  return {
    isResource: true,
    path,
    verb,
    group: grouped ? (names[1] ?? "") : "",
    version: names[head - 1] ?? "",
    namespace,
    resource,
    subresource,
    name: pathName === "" && fieldSelector !== "" ? nameIn(fieldSelector) : pathName,
    pathName,
    rest,
    labelSelector: selects ? query.get("labelSelector") : "",
    fieldSelector,
  };
}

function pathInfo(method: string, path: string): RequestInfo {
  return {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    group: "",
    version: "",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    pathName: "",
    rest: "",
    labelSelector: "",
    fieldSelector: "",
  };
}

function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The name that a field selector pins with `metadata.name=`, if any. */
function nameIn(fieldSelector: string): string {
  try {
    return parseFieldSelector(fieldSelector).exact("metadata.name") ?? "";
  } catch {
    return "";
  }
}
