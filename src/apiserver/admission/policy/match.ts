import { type admissionregistrationv1 as v1, resources } from "../../../api/index.ts";
import { selectorFrom } from "../../../machinery/index.ts";
import type { AdmissionRequest, ApiObject, Lookup } from "../../seams/index.ts";
import { ruleMatches } from "../webhooks/match.ts";

/** Whether a policy's or binding's constraints are about a request. */
export async function matchesResources(
  constraints: v1.MatchResources | undefined,
  request: AdmissionRequest,
  lookup: Lookup,
): Promise<boolean> {
  if (!constraints) return true;
  const { resourceRules, excludeResourceRules = [] } = constraints;
  const named = (rule: v1.NamedRuleWithOperations): boolean =>
    ((rule.resourceNames ?? []).length === 0 || (rule.resourceNames ?? []).includes(request.name)) &&
    ruleMatches(rule, request, request.resource);
  if (excludeResourceRules.some(named)) return false;
  if (resourceRules && resourceRules.length > 0 && !resourceRules.some(named)) return false;
  const objects = selectorFrom(constraints.objectSelector ?? {});
  const candidates = [request.object, request.oldObject].flatMap((object) => object ?? []);
  if (!objects.empty && !candidates.some((object) => objects.matches(labelsOf(object)))) return false;
  return matchesNamespace(constraints.namespaceSelector ?? {}, request, lookup);
}

async function matchesNamespace(
  selector: NonNullable<v1.MatchResources["namespaceSelector"]>,
  request: AdmissionRequest,
  lookup: Lookup,
): Promise<boolean> {
  const namespaces = selectorFrom(selector);
  const isNamespace = request.resource.group === "" && request.resource.resource === "namespaces";
  if (namespaces.empty || (request.namespace === "" && !isNamespace)) return true;
  if (isNamespace && request.object) return namespaces.matches(labelsOf(request.object));
  const found = await lookup.get(resources.namespaces, request.namespace);
  return found !== undefined && namespaces.matches(found.metadata.labels);
}

function labelsOf(object: ApiObject): Record<string, string> | undefined {
  return object.metadata["labels"] as Record<string, string> | undefined;
}
