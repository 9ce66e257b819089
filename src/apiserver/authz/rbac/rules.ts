import type { rbacv1 } from "../../../api/index.ts";
import { quote } from "../../../machinery/index.ts";
import type { Attributes } from "../../seams/index.ts";

type Rule = rbacv1.PolicyRule;

/** Whether one rule allows what is asked (upstream's RuleAllows). */
export function ruleAllows(rule: Rule, asked: Attributes): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (!asked.isResource) return (rule.nonResourceURLs ?? []).some((url) => urlMatches(url, asked.path));
  const names = rule.resourceNames ?? [];
  return (
    has(rule.apiGroups, asked.group) &&
    resourceMatches(rule.resources, asked.resource, asked.subresource) &&
    (names.length === 0 || names.includes(asked.name))
  );
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes("*") || list.includes(value));
}

function resourceMatches(resources: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!resources) return false;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return resources.some((r) => r === "*" || r === combined || (subresource !== "" && r === `*/${subresource}`));
}

function urlMatches(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1));
}

/** The rules of `wanted` that `owned` does not cover: what an escalation would gain. Names no rule twice. */
export function uncovered(owned: readonly Rule[], wanted: readonly Rule[]): Rule[] {
  const atoms = wanted.flatMap(breakDown);
  return atoms.filter((atom) => !owned.some((rule) => covers(rule, atom)));
}

/** A rule as rules of one group, resource, verb and name each (upstream's BreakdownRule). */
function breakDown({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: Rule): Rule[] {
  const atoms: Rule[] = [];
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const atom = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (resourceNames.length === 0) atoms.push(atom);
        for (const name of resourceNames) atoms.push({ ...atom, resourceNames: [name] });
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) atoms.push({ verbs: [verb], nonResourceURLs: [url] });
  return atoms;
}

function covers(owner: Rule, atom: Rule): boolean {
  if (!has(owner.verbs, atom.verbs[0] ?? "")) return false;
  const [url] = atom.nonResourceURLs ?? [];
  if (url !== undefined) return (owner.nonResourceURLs ?? []).some((pattern) => urlMatches(pattern, url));
  const [group = "", resource = "", name] = [atom.apiGroups?.[0], atom.resources?.[0], atom.resourceNames?.[0]];
  const slash = resource.indexOf("/");
  const anySubresource = slash === -1 ? undefined : `*${resource.slice(slash)}`;
  const names = owner.resourceNames ?? [];
  return (
    has(owner.apiGroups, group) &&
    (owner.resources ?? []).some((r) => r === "*" || r === resource || r === anySubresource) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}

/**
 * Rules for a message, one a line and in order: those about the same resource are joined, and each is in upstream's short
 * form: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`.
 */
export function describeRules(rules: readonly Rule[]): string {
  const joined = new Map<string, Rule>();
  for (const rule of rules) {
    const { verbs, ...rest } = rule;
    const key = JSON.stringify(rest);
    const found = joined.get(key);
    joined.set(key, found && rest.resources ? { ...rest, verbs: [...found.verbs, ...verbs] } : rule);
  }
  const lines = [...joined.values()].map(describeRule);
  return [...new Set(lines)].toSorted().join("\n");
}

function describeRule(rule: Rule): string {
  const part = (name: string, list: readonly string[] | undefined): string[] =>
    list && list.length > 0 ? [`${name}:${quoteList(list)}`] : [];
  const parts = [
    ...part("APIGroups", rule.apiGroups),
    ...part("Resources", rule.resources),
    ...part("NonResourceURLs", rule.nonResourceURLs),
    ...part("ResourceNames", rule.resourceNames),
    ...part("Verbs", rule.verbs),
  ];
  return `{${parts.join(", ")}}`;
}

/** `["a" "b"]`, as Go prints a list of quoted strings. */
export function quoteList(list: readonly string[]): string {
  return `[${list.map(quote).join(" ")}]`;
}
