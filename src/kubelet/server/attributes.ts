import type { NodeAttributes } from "./identity.ts";

const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

const AREAS: readonly (readonly [prefix: string, subresource: string])[] = [
  ["/stats", "stats"],
  ["/metrics", "metrics"],
  ["/logs", "log"],
  ["/checkpoint", "checkpoint"],
  ["/pods", "pods"],
  ["/runningpods", "pods"],
  ["/healthz", "healthz"],
  ["/configz", "configz"],
];

/**
 * What right a request needs. All that runs or reads in containers needs `create` on `nodes/proxy`, WebSockets (which are GETs)
 * included: reading a node's state must not be enough to run commands on it.
 */
export function attributesOf(method: string, path: string): NodeAttributes {
  const area = AREAS.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`));
  if (area) return { verb: VERBS[method] ?? "", subresource: area[1], path };
  const runs = /^\/(?:exec|attach|portForward|run|cri)\//.test(path);
  return { verb: runs ? "create" : (VERBS[method] ?? ""), subresource: "proxy", path };
}
