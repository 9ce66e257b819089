import { describe, expect, it } from "vitest";
import { requestInfo } from "../request/info.ts";
import { Query } from "../request/query.ts";
import type { ServerRequest } from "../request/types.ts";
import type { Attributes, UserInfo } from "../seams/index.ts";
import { Gate } from "./authorize.ts";
import { impersonate } from "./impersonate.ts";

const caller: UserInfo = { name: "boss", groups: ["system:authenticated"] };

function ask(
  headers: Record<string, string | string[]>,
  allowed: (asked: Attributes) => boolean = () => true,
): Promise<UserInfo> {
  const flat = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, Array.isArray(v) ? v.join(", ") : v]));
  const request: ServerRequest = {
    method: "GET",
    path: "/api/v1/pods",
    query: Query.from({}),
    headers: flat,
    headerValues: (name) => [headers[name] ?? []].flat(),
    body: { kind: "none" },
    signal: new AbortController().signal,
  };
  const gate = new Gate([
    { name: "test", authorize: (asked) => ({ decision: allowed(asked) ? "allow" : "no opinion" }) },
  ]);
  return impersonate(request, requestInfo("GET", request.path, request.query), caller, gate);
}

describe("impersonate", () => {
  it.each<[string, Record<string, string | string[]>, UserInfo]>([
    ["nobody", {}, caller],
    ["a user", { "impersonate-user": "joe" }, { name: "joe", groups: ["system:authenticated"] }],
    [
      "a user with groups",
      { "impersonate-user": "joe", "impersonate-group": ["a", "b"] },
      { name: "joe", groups: ["a", "b", "system:authenticated"] },
    ],
    [
      "a service account",
      { "impersonate-user": "system:serviceaccount:ns:sa" },
      {
        name: "system:serviceaccount:ns:sa",
        groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
      },
    ],
    [
      "the anonymous user",
      { "impersonate-user": "system:anonymous" },
      { name: "system:anonymous", groups: ["system:unauthenticated"] },
    ],
    [
      "extra and uid",
      { "impersonate-user": "joe", "impersonate-extra-acme.com%2Fscope": ["x", "y"], "impersonate-uid": "42" },
      { name: "joe", groups: ["system:authenticated"], extra: { "acme.com/scope": ["x", "y"] }, uid: "42" },
    ],
  ])("%s", async (_, headers, user) => {
    expect(await ask(headers)).toEqual(user);
  });

  it.each<[string, Record<string, string>, string]>([
    [
      "a user",
      { "impersonate-user": "joe" },
      'users "joe" is forbidden: User "boss" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      "a service account",
      { "impersonate-user": "system:serviceaccount:ns:sa" },
      'serviceaccounts "sa" is forbidden: User "boss" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "ns"',
    ],
  ])("refuses %s without the right to it", async (_, headers, message) => {
    await expect(ask(headers, () => false)).rejects.toThrow(message);
  });

  it.each(["groups", "userextras", "uids"])("asks for each of %s", async (resource) => {
    const headers = {
      "impersonate-user": "joe",
      "impersonate-group": "a",
      "impersonate-extra-k": "v",
      "impersonate-uid": "1",
    };
    await expect(ask(headers, (asked) => asked.resource !== resource)).rejects.toThrow("is forbidden");
  });

  it("refuses groups without a user", async () => {
    await expect(ask({ "impersonate-group": "system:masters" })).rejects.toThrow("without a user");
  });
});
