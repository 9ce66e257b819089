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
  const parts = segmentsOf(path);
  const grouped = parts[0] === "apis";
  const head = grouped ? 3 : 2;
  if ((!grouped && parts[0] !== "api") || parts.length <= head) return pathInfo(method, path);
  let at = head;
  let verb = VERBS[method] ?? "";
  const legacyWatch = parts[at] === "watch" && verb === "get";
  if (legacyWatch) at++;
  let namespace = "";
  if (parts[at] === "namespaces" && parts.length > at + 1) {
    namespace = parts[at + 1] ?? "";
    if (parts.length > at + 2 && !NAMESPACE_SUBRESOURCES.has(parts[at + 2] ?? "")) at += 2;
  }
  const resource = parts[at] ?? "";
  const pathName = parts[at + 1] ?? "";
  const subresource = parts[at + 2] ?? "";
  const rest = parts.length > at + 3 ? restOf(path, at + 3) : "";
  if (rest !== "" && !OPEN_ENDED.has(subresource)) return pathInfo(method, path);
  if (verb === "get" && subresource === "" && (pathName === "" || legacyWatch || query.has("watch"))) {
    const watches = legacyWatch || query.flag("watch");
    verb = watches ? "watch" : pathName === "" ? "list" : "get";
  }
  if (pathName === "" && verb === "delete") verb = "deletecollection";
  const selects = verb === "list" || verb === "watch" || verb === "deletecollection";
  const fieldSelector = selects ? query.get("fieldSelector") : "";
  return {
    isResource: true,
    path,
    verb,
    group: grouped ? (parts[1] ?? "") : "",
    version: parts[head - 1] ?? "",
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

/** The path's segments, decoded; empty ones are left out. */
function segmentsOf(path: string): string[] {
  const parts: string[] = [];
  let start = 1;
  for (let end = path.indexOf("/", 1); ; end = path.indexOf("/", start)) {
    const segment = path.slice(start, end < 0 ? undefined : end);
    if (segment !== "") parts.push(decodeSegment(segment));
    if (end < 0) return parts;
    start = end + 1;
  }
}

/** What follows the first `count` segments, still encoded, with its leading slash. */
function restOf(path: string, count: number): string {
  let at = 0;
  for (let i = 0; i < count; i++) {
    while (path[at] === "/") at++;
    at = path.indexOf("/", at);
  }
  return path.slice(at);
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
