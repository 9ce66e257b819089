import { describe, expect, it } from "vitest";
import type { rbacv1 } from "../../../api/index.ts";
import type { Attributes } from "../../seams/index.ts";
import { describeRules, ruleAllows, uncovered } from "./rules.ts";

function asked(verb: string, resource: string, more: Partial<Attributes> = {}): Attributes {
  const [base = "", subresource = ""] = resource.split("/");
  return {
    user: { name: "u", groups: [] },
    verb,
    path: "",
    isResource: true,
    group: "",
    version: "v1",
    resource: base,
    subresource,
    namespace: "default",
    name: "",
    ...more,
  };
}
const path = (verb: string, url: string): Attributes => ({ ...asked(verb, ""), isResource: false, path: url });
const rule = (verbs: string[], groups: string[], resources: string[], resourceNames?: string[]): rbacv1.PolicyRule => ({
  verbs,
  apiGroups: groups,
  resources,
  ...(resourceNames && { resourceNames }),
});

describe("ruleAllows", () => {
  it.each<[rbacv1.PolicyRule, Attributes, boolean]>([
    [rule(["get"], [""], ["pods"]), asked("get", "pods"), true],
    [rule(["get"], [""], ["pods"]), asked("list", "pods"), false],
    [rule(["get"], [""], ["pods"]), asked("get", "pods/log"), false],
    [rule(["get"], [""], ["pods/log"]), asked("get", "pods/log"), true],
    [rule(["get"], [""], ["*/log"]), asked("get", "pods/log"), true],
    [rule(["get"], [""], ["*/log"]), asked("get", "pods"), false],
    [rule(["*"], ["*"], ["*"]), asked("patch", "pods/status", { group: "apps" }), true],
    [rule(["get"], ["apps"], ["pods"]), asked("get", "pods"), false],
    [rule(["get"], [""], ["pods"], ["a"]), asked("get", "pods", { name: "a" }), true],
    [rule(["get"], [""], ["pods"], ["a"]), asked("get", "pods", { name: "b" }), false],
    [rule(["list"], [""], ["pods"], ["a"]), asked("list", "pods"), false],
    [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }, path("get", "/healthz"), true],
    [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }, path("get", "/healthz/x"), false],
    [{ verbs: ["get"], nonResourceURLs: ["/apis/*"] }, path("get", "/apis/apps"), true],
    [{ verbs: ["get"], nonResourceURLs: ["*"] }, path("get", "/metrics"), true],
    [{ verbs: ["get"], nonResourceURLs: ["*"] }, asked("get", "pods"), false],
    [rule(["get"], ["*"], ["*"]), path("get", "/metrics"), false],
  ])("%j on %j: %s", (given, attributes, expected) => {
    expect(ruleAllows(given, attributes)).toBe(expected);
  });
});

describe("uncovered", () => {
  it.each<[string, rbacv1.PolicyRule[], rbacv1.PolicyRule[], number]>([
    ["the same", [rule(["get"], [""], ["pods"])], [rule(["get"], [""], ["pods"])], 0],
    ["a part", [rule(["get", "list"], [""], ["pods", "services"])], [rule(["get"], [""], ["pods"])], 0],
    [
      "spread over several",
      [rule(["get"], [""], ["pods"]), rule(["list"], [""], ["pods"])],
      [rule(["get", "list"], [""], ["pods"])],
      0,
    ],
    ["one verb more", [rule(["get"], [""], ["pods"])], [rule(["get", "delete"], [""], ["pods"])], 1],
    ["a wildcard for a list", [rule(["get"], [""], ["pods"])], [rule(["*"], [""], ["pods"])], 1],
    ["any name for one name", [rule(["get"], [""], ["pods"], ["a"])], [rule(["get"], [""], ["pods"])], 1],
    ["one name of all", [rule(["get"], [""], ["pods"])], [rule(["get"], [""], ["pods"], ["a"])], 0],
    ["a subresource of all", [rule(["get"], [""], ["*"])], [rule(["get"], [""], ["pods/log"])], 0],
    ["the star from one", [rule(["get"], [""], ["*/log"])], [rule(["get"], [""], ["pods/log"])], 0],
    [
      "a path",
      [{ verbs: ["get"], nonResourceURLs: ["/a/*"] }],
      [{ verbs: ["get"], nonResourceURLs: ["/a/b", "/c"] }],
      1,
    ],
  ])("%s", (_, owned, wanted, missing) => {
    expect(uncovered(owned, wanted)).toHaveLength(missing);
  });
});

it("describes rules as upstream does", () => {
  const url = { verbs: ["get"], nonResourceURLs: ["/x"] };
  expect(describeRules([rule(["get"], [""], ["pods"]), url, rule(["list"], [""], ["pods"]), url])).toBe(
    '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}\n{NonResourceURLs:["/x"], Verbs:["get"]}',
  );
});
