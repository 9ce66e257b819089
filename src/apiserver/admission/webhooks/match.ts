import {
  type admissionregistrationv1 as v1,
  type GroupVersionKind,
  type Resource,
  resources,
} from "../../../api/index.ts";
import { notFound, type Selector } from "../../../machinery/index.ts";
import type { AdmissionRequest, ApiObject, Lookup } from "../../seams/index.ts";
import { isResource } from "../common.ts";
import type { Hook, Webhook } from "./hooks.ts";
import type { Versions } from "./versions.ts";

/** A webhook that is to be asked about a write, and the version in which it wants to see the objects. */
export interface Invocation<W extends Webhook = Webhook> {
  readonly hook: Hook<W>;
  readonly resource: Resource;
  readonly kind: GroupVersionKind;
}

/** What matching needs to know beside the write. */
export interface MatchParts {
  readonly lookup: Lookup;
  readonly versions: Versions;
  readonly conditions?: Conditions;
}

/** Evaluates a webhook's match conditions. */
export interface Conditions {
  /**
   * Whether all conditions hold for a write. Throws `StatusError` when that cannot be told and the webhook fails closed.
   */
  hold(invocation: Invocation, request: AdmissionRequest, signal?: AbortSignal): Promise<boolean>;
}

/** Registrations are not subject to what is registered: nobody shall lock himself out. */
const EXEMPT = new Set([
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
]);

/** Whether a write is of those that no webhook is asked about. */
export function isExempt({ group, kind }: Resource): boolean {
  return group === "admissionregistration.k8s.io" && EXEMPT.has(kind);
}

/** Whether, and how, a webhook is to be asked about a write. */
export async function match<W extends Webhook>(
  hook: Hook<W>,
  request: AdmissionRequest,
  parts: MatchParts,
  signal?: AbortSignal,
): Promise<Invocation<W> | undefined> {
  // The rules are the quickest to tell, but what keeps the selectors from being told counts only if the rules match.
  const invocation = byRules(hook, request, parts.versions);
  if (!invocation || !matchesObjects(hook, request)) return undefined;
  if (!(await matchesNamespace(hook, request, parts.lookup))) return undefined;
  const conditions = hook.webhook.matchConditions ?? [];
  if (conditions.length > 0 && parts.conditions && !(await parts.conditions.hold(invocation, request, signal))) {
    return undefined;
  }
  return invocation;
}

function byRules<W extends Webhook>(
  hook: Hook<W>,
  request: AdmissionRequest,
  versions: Versions,
): Invocation<W> | undefined {
  const { resource, subresource } = request;
  const { rules = [], matchPolicy } = hook.webhook;
  const as = (wanted: Resource): Invocation<W> => ({ hook, resource: wanted, kind: kindOf(wanted, subresource) });
  if (rules.some((rule) => ruleMatches(rule, request, resource))) return as(resource);
  if (matchPolicy === "Exact") return undefined;
  const others = versions.equivalents(resource, subresource);
  for (const rule of rules) {
    const other = others.find((candidate) => ruleMatches(rule, request, candidate));
    if (other) return as(other);
  }
  return undefined;
}

/** The kind of what is written: that of the subresource where it has one of its own. */
export function kindOf(resource: Resource, subresource: string): GroupVersionKind {
  const own = subresource === "" ? undefined : resource.subresources.find((s) => s.name === subresource)?.kind;
  return own ?? [resource.group, resource.version, resource.kind];
}

/** Whether a rule of a webhook or policy is about a write, were it of `resource`. */
export function ruleMatches(rule: v1.RuleWithOperations, request: AdmissionRequest, resource: Resource): boolean {
  const { operations, apiGroups, apiVersions, resources: names = [], scope = "*" } = rule;
  const { operation, subresource, namespace } = request;
  const isNamespaced = namespace !== "" && !isResource(resource, "namespaces");
  return (
    (scope === "*" || (scope === "Namespaced") === isNamespaced) &&
    hasOrAll(operations, operation) &&
    hasOrAll(apiGroups, resource.group) &&
    hasOrAll(apiVersions, resource.version) &&
    names.some((name) => {
      const slash = name.indexOf("/");
      const [own, sub] = slash === -1 ? [name, ""] : [name.slice(0, slash), name.slice(slash + 1)];
      return (own === "*" || own === resource.resource) && (sub === "*" || sub === subresource);
    })
  );
}

function hasOrAll(list: readonly string[] | undefined, wanted: string): boolean {
  return list !== undefined && list.some((item) => item === "*" || item === wanted);
}

/** What of the objects and namespaces of writes something is about. */
export interface Selectors {
  readonly namespaces: Selector;
  readonly objects: Selector;
}

/** Whether the new object or the old one is selected. */
export function matchesObjects({ objects }: Selectors, { object, oldObject }: AdmissionRequest): boolean {
  if (objects.empty) return true;
  return [object, oldObject].some((candidate) => candidate !== undefined && objects.matches(labelsOf(candidate)));
}

/** Whether the namespace of a write is selected; what is in no namespace always is. Throws 404 when it is gone. */
export async function matchesNamespace(
  { namespaces }: Selectors,
  request: AdmissionRequest,
  lookup: Lookup,
): Promise<boolean> {
  const { resource, subresource, namespace, operation, object } = request;
  if (namespaces.empty || (namespace === "" && resource.resource !== "namespaces")) return true;
  const isOwn = resource.resource === "namespaces" && subresource === "";
  if (isOwn && object && (operation === "CREATE" || operation === "UPDATE"))
    return namespaces.matches(labelsOf(object));
  const found = await lookup.get(resources.namespaces, namespace);
  if (!found) throw notFound(resources.namespaces, namespace);
  return namespaces.matches(found.metadata.labels);
}

function labelsOf(object: ApiObject): Record<string, string> | undefined {
  return object.metadata["labels"] as Record<string, string> | undefined;
}
