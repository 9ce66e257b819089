import { describe, expect, it } from "vitest";
import { type RequestInfo, requestInfo } from "./info.ts";
import { Query } from "./query.ts";

type Case = [method: string, target: string, expected: Partial<RequestInfo>];

const CASES: readonly Case[] = [
  ["GET", "/api/v1/pods", { verb: "list", resource: "pods", namespace: "", version: "v1", group: "" }],
  ["GET", "/api/v1/namespaces/a/pods?watch=true", { verb: "watch", namespace: "a", resource: "pods" }],
  ["GET", "/api/v1/namespaces/a/pods?watch=false", { verb: "list" }],
  ["GET", "/api/v1/watch/namespaces/a/pods", { verb: "watch", namespace: "a", resource: "pods" }],
  ["GET", "/api/v1/namespaces/a/pods/p", { verb: "get", name: "p", pathName: "p" }],
  ["GET", "/api/v1/namespaces/a/pods/p?watch=1", { verb: "watch", pathName: "p" }],
  ["HEAD", "/api/v1/namespaces/a/pods/p", { verb: "get" }],
  ["GET", "/api/v1/namespaces/a", { verb: "get", resource: "namespaces", namespace: "a", name: "a" }],
  ["PUT", "/api/v1/namespaces/a/finalize", { verb: "update", resource: "namespaces", subresource: "finalize" }],
  ["GET", "/api/v1/namespaces/a/status", { resource: "namespaces", subresource: "status", name: "a" }],
  ["POST", "/apis/apps/v1/namespaces/a/deployments", { verb: "create", group: "apps", resource: "deployments" }],
  ["PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", { verb: "patch", subresource: "scale", name: "d" }],
  ["DELETE", "/api/v1/namespaces/a/pods", { verb: "deletecollection" }],
  ["DELETE", "/api/v1/namespaces/a/pods/p", { verb: "delete" }],
  ["GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp", { verb: "list", name: "p", pathName: "" }],
  ["GET", "/api/v1/nodes/n/proxy/a/b%2Fc/", { subresource: "proxy", rest: "/a/b%2Fc/", name: "n" }],
  ["GET", "/api/v1/namespaces/a%2F..%2Fb/pods", { namespace: "a/../b" }],
  ["GET", "/healthz", { isResource: false, verb: "get", path: "/healthz" }],
  ["GET", "/apis/apps/v1", { isResource: false }],
  ["POST", "/api/v1/namespaces/a/pods/p/status/more", { isResource: false }],
];

describe("requestInfo", () => {
  it.each(CASES)("%s %s", (method, target, expected) => {
    const [path = "", query = ""] = target.split("?");
    expect(requestInfo(method, path, Query.parse(query))).toMatchObject(expected);
  });
});

describe("Query", () => {
  it("reads repeated, empty and escaped parameters", () => {
    const query = Query.parse("a=1&a=2&b=&c&d=x%20y+z&e=%zz");
    expect(query.all("a")).toEqual(["1", "2"]);
    expect(query.has("b") && query.has("c")).toBe(true);
    expect(query.get("d")).toBe("x y z");
    expect(query.get("e")).toBe("%zz");
    expect(Query.parse(query.toString()).all("a")).toEqual(["1", "2"]);
  });
});
