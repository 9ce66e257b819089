import type { admissionregistrationv1 as v1, GroupVersionKind, Resource } from "../../../api/index.ts";
import type { AdmissionRequest, Lookup } from "../../seams/index.ts";
import { kindOf, matchesNamespace, matchesObjects, ruleMatches } from "../webhooks/match.ts";
import type { Versions } from "../webhooks/versions.ts";
import type { Scope } from "./source.ts";

/** The version in which a policy wants to see a write. */
export interface Matched {
  readonly resource: Resource;
  readonly kind: GroupVersionKind;
}

/** Whether a write is within the scope of a policy or a binding, and in which version it is. */
export async function matchScope(
  scope: Scope,
  request: AdmissionRequest,
  versions: Versions,
  lookup: Lookup,
): Promise<Matched | undefined> {
  const { match } = scope;
  if (!matchesObjects(scope, request)) return undefined;
  if (byRules(match.excludeResourceRules ?? [], match.matchPolicy, request, versions)) return undefined;
  const rules = match.resourceRules ?? [];
  const resource = rules.length === 0 ? request.resource : byRules(rules, match.matchPolicy, request, versions);
  if (!resource || !(await matchesNamespace(scope, request, lookup))) return undefined;
  return { resource, kind: kindOf(resource, request.subresource) };
}

function byRules(
  rules: readonly v1.NamedRuleWithOperations[],
  policy: v1.MatchResources["matchPolicy"],
  request: AdmissionRequest,
  versions: Versions,
): Resource | undefined {
  const { resource, subresource, name } = request;
  const fits = ({ resourceNames = [] }: v1.NamedRuleWithOperations): boolean =>
    resourceNames.length === 0 || resourceNames.includes(name);
  if (rules.some((rule) => fits(rule) && ruleMatches(rule, request, resource))) return resource;
  if (policy === undefined || policy === "Exact") return undefined;
  const others = versions.equivalents(resource, subresource);
  for (const rule of rules) {
    const other = others.find((candidate) => ruleMatches(rule, request, candidate));
    if (other && fits(rule)) return other;
  }
  return undefined;
}
