import type { rbacv1 } from "../../../api/index.ts";
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

/** A rule as rules of one verb, group, resource and name each (upstream's BreakdownRule). */
function breakDown(rule: Rule): Rule[] {
  const atoms: Rule[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) atoms.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const atom = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        if (names.length === 0) atoms.push(atom);
        for (const name of names) atoms.push({ ...atom, resourceNames: [name] });
      }
    }
  }
  return atoms;
}

function covers(owner: Rule, atom: Rule): boolean {
  if (!has(owner.verbs, atom.verbs[0] ?? "")) return false;
  const [url] = atom.nonResourceURLs ?? [];
  if (url !== undefined) return (owner.nonResourceURLs ?? []).some((pattern) => urlMatches(pattern, url));
  const [group = "", resource = "", name] = [atom.apiGroups?.[0], atom.resources?.[0], atom.resourceNames?.[0]];
  const [base = "", subresource = ""] = resource.split("/");
  const names = owner.resourceNames ?? [];
  return (
    has(owner.apiGroups, group) &&
    (owner.resources ?? []).some(
      (r) => r === "*" || r === resource || (subresource !== "" && r === `*/${subresource}` && base !== ""),
    ) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}

/** A rule in upstream's short form, for messages: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function describeRule(rule: Rule): string {
  const part = (name: string, list: readonly string[] | undefined): string[] =>
    list && list.length > 0 ? [`${name}:[${list.map((v) => JSON.stringify(v)).join(" ")}]`] : [];
  return `{${[
    ...part("NonResourceURLs", rule.nonResourceURLs),
    ...part("APIGroups", rule.apiGroups),
    ...part("Resources", rule.resources),
    ...part("ResourceNames", rule.resourceNames),
    ...part("Verbs", rule.verbs),
  ].join(", ")}}`;
}
