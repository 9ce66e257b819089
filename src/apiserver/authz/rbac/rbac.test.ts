import { describe, expect, it } from "vitest";
import { type rbacv1, resources } from "../../../api/index.ts";
import { admitWrite, lookupOf, type Write } from "../../admission/testing.ts";
import type { Attributes, UserInfo } from "../../seams/index.ts";
import { fixedInformers } from "../testing.ts";
import { mastersAuthorizer, rbacAuthorizer } from "./authorizer.ts";
import { escalationAdmission } from "./escalation.ts";
import { liveGrants } from "./grants.ts";

const RBAC = "rbac.authorization.k8s.io";
const rule = (verbs: string, list: string, group = "", names?: string[]): rbacv1.PolicyRule => ({
  verbs: verbs.split(" "),
  apiGroups: [group],
  resources: list.split(" "),
  ...(names && { resourceNames: names }),
});
const role = (name: string, ...rules: rbacv1.PolicyRule[]): object => ({ metadata: { name }, rules });
const binding = (name: string, ref: string, ...subjects: object[]): object => {
  const [kind, of] = ref.split(" ");
  return { metadata: { name }, roleRef: { apiGroup: RBAC, kind, name: of }, subjects };
};
const within = (namespace: string, object: object): object => ({
  ...object,
  metadata: { ...(object as { metadata: object }).metadata, namespace },
});
const user = (name: string): object => ({ kind: "User", name, apiGroup: RBAC });
const group = (name: string): object => ({ kind: "Group", name, apiGroup: RBAC });

const informers = fixedInformers(
  [resources.clusterroles, role("reader", rule("get list", "pods"))],
  [
    resources.clusterroles,
    role("granter", rule("create update", "roles rolebindings clusterroles clusterrolebindings", RBAC)),
  ],
  [resources.clusterroles, role("binder", rule("bind", "clusterroles", RBAC, ["admin"]))],
  [resources.clusterroles, role("escalator", rule("escalate", "clusterroles", RBAC))],
  [resources.clusterroles, role("admin", rule("*", "*", "*"), { verbs: ["*"], nonResourceURLs: ["*"] })],
  [resources.roles, within("ns", role("writer", rule("create", "pods")))],
  [resources.clusterrolebindings, binding("readers", "ClusterRole reader", user("x"), user("ann"))],
  [resources.clusterrolebindings, binding("broken", "ClusterRole gone", user("bob"))],
  [resources.clusterrolebindings, binding("admins", "ClusterRole admin", group("admins"))],
  [resources.clusterrolebindings, binding("binders", "ClusterRole binder", user("ben"))],
  [resources.clusterrolebindings, binding("escalators", "ClusterRole escalator", user("eve"))],
  [resources.rolebindings, within("ns", binding("writers", "Role writer", group("team")))],
  [
    resources.rolebindings,
    within("ns", binding("accounts", "ClusterRole reader", { kind: "ServiceAccount", name: "sa" })),
  ],
  [resources.rolebindings, within("ns", binding("odd", "Group writer", user("odd")))],
);
const grants = liveGrants(informers);
const authorizer = rbacAuthorizer(grants);

function asks(who: string | UserInfo, verb: string, resource: string, namespace = ""): Attributes {
  const asked = typeof who === "string" ? { name: who, groups: [] } : who;
  return {
    user: asked,
    verb,
    path: "",
    isResource: true,
    group: "",
    version: "v1",
    resource,
    subresource: "",
    namespace,
    name: "",
  };
}

describe("the RBAC authorizer", () => {
  const team = { name: "x1", groups: ["a", "team"] };
  it.each<[string | UserInfo, string, string, string, string]>([
    [
      "ann",
      "get",
      "ns",
      "allow",
      'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "ann"',
    ],
    ["ann", "get", "", "allow", 'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "ann"'],
    ["ann", "delete", "ns", "no opinion", ""],
    ["nobody", "get", "ns", "no opinion", ""],
    [team, "create", "ns", "allow", 'RBAC: allowed by RoleBinding "writers/ns" of Role "writer" to Group "team"'],
    [team, "create", "other", "no opinion", ""],
    [team, "create", "", "no opinion", ""],
    [
      "system:serviceaccount:ns:sa",
      "list",
      "ns",
      "allow",
      'RBAC: allowed by RoleBinding "accounts/ns" of ClusterRole "reader" to ServiceAccount "sa/ns"',
    ],
    ["system:serviceaccount:other:sa", "list", "ns", "no opinion", ""],
    ["bob", "get", "ns", "no opinion", 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'],
    ["odd", "get", "ns", "no opinion", 'RBAC: unsupported role reference kind: "Group"'],
  ])("%j %s in %j: %s", (who, verb, namespace, decision, reason) => {
    const verdict = authorizer.authorize(asks(who, verb, "pods", namespace));
    expect(verdict).toEqual({ decision, ...(reason !== "" && { reason }) });
  });

  it("is not asked about masters", () => {
    const masters = { name: "m", groups: ["system:masters"] };
    expect(mastersAuthorizer().authorize(asks(masters, "x", "y"))).toEqual({ decision: "allow" });
    expect(mastersAuthorizer().authorize(asks("m", "x", "y"))).toEqual({ decision: "no opinion" });
  });
});

describe("escalation", () => {
  const stored = lookupOf([resources.clusterroles, role("new", rule("get", "pods"))]);
  const plugin = escalationAdmission(grants, () => [authorizer], stored);
  const early = escalationAdmission(grants, () => [authorizer]);
  const as = (name: string, ...groups: string[]): Pick<Write, "user"> => ({ user: { name, groups } });
  const clusterRole = (...rules: rbacv1.PolicyRule[]): Pick<Write, "resource" | "object"> => ({
    resource: resources.clusterroles,
    object: role("r", ...rules),
  });
  const clusterBinding = (ref: string): Pick<Write, "resource" | "object"> => ({
    resource: resources.clusterrolebindings,
    object: binding("b", `ClusterRole ${ref}`, user("ann")),
  });

  it.each<[string, Write, string | undefined]>([
    ["what one has", { ...as("ann"), ...clusterRole(rule("get list", "pods")) }, undefined],
    [
      "more than that",
      { ...as("ann", "a", "b"), ...clusterRole(rule("get delete patch", "pods"), rule("get", "nodes")) },
      'user "ann" (groups=["a" "b"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}\n{APIGroups:[""], Resources:["pods"], Verbs:["delete" "patch"]}',
    ],
    ["with the verb", { ...as("eve"), ...clusterRole(rule("*", "*", "*")) }, undefined],
    ["as master", { ...as("m", "system:masters"), ...clusterRole(rule("*", "*", "*")) }, undefined],
    [
      "by aggregation",
      {
        ...as("ann"),
        resource: resources.clusterroles,
        object: { ...role("r"), aggregationRule: { clusterRoleSelectors: [{}] } },
      },
      "must have cluster-admin privileges to use the aggregationRule",
    ],
    [
      "by aggregation, as admin",
      {
        ...as("root", "admins"),
        resource: resources.clusterroles,
        object: { ...role("r"), aggregationRule: { clusterRoleSelectors: [{}] } },
      },
      undefined,
    ],
    [
      "the collector's changes",
      {
        ...as("gc"),
        ...clusterRole(rule("*", "*", "*")),
        operation: "UPDATE",
        oldObject: { metadata: { name: "r", finalizers: ["f/f"] }, rules: [rule("*", "*", "*")] },
      },
      undefined,
    ],
    ["a role that one has", { ...as("ann"), ...clusterBinding("new") }, undefined],
    [
      "another role",
      { ...as("bob"), ...clusterBinding("new") },
      'user "bob" (groups=[]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
    ],
    ["a role that one may bind", { ...as("ben"), ...clusterBinding("admin") }, undefined],
    [
      "a role that is not there",
      { ...as("ann"), ...clusterBinding("gone") },
      'clusterroles.rbac.authorization.k8s.io "gone" not found',
    ],
  ])("%s", async (_, write, refusal) => {
    expect((await admitWrite(plugin, write)).refusal).toBe(refusal);
  });

  it("knows roles by the informers, too", async () => {
    expect((await admitWrite(early, { ...as("ann"), ...clusterBinding("reader") })).refusal).toBeUndefined();
    const outcome = await admitWrite(early, { ...as("ann"), ...clusterBinding("new") });
    expect(outcome.status?.reason).toBe("NotFound");
  });
});
