import { type flowcontrolv1 as v1, wellKnown } from "../../../api/index.ts";
import {
  duplicate,
  forbiddenField,
  invalidValue,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  normalize,
  notSupported,
  required,
  semanticEqual,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import type { Kind } from "../kind.ts";

const METHODS = ["ByNamespace", "ByUser"];
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const KINDS = ["Group", "ServiceAccount", "User"];
const MAX_PRECEDENCE = 10_000;
/** Flow schemas that every server has, and nobody may change. */
const MANDATORY = ["exempt", "catch-all"];

/** Which requests belong to which priority level. */
export function flowSchemas(): Kind<v1.FlowSchema> {
  return {
    generation: ["spec"],
    validate({ metadata, spec, status }) {
      const errors: Errors = [];
      validateSpec(errors, metadata.name, spec);
      if (MANDATORY.includes(metadata.name) && !semanticEqual(spec, flowSchemaSpec(metadata.name))) {
        errors.push(invalidValue("spec", spec, `spec of '${metadata.name}' must equal the fixed value`));
      }
      return [...errors, ...validateTypes(status)];
    },
    subresources: { status: { keepMetadata: true, validate: ({ status }) => validateTypes(status) } },
  };
}

/** Conditions need a type that occurs once. */
export function validateTypes(status: { readonly conditions?: readonly { readonly type?: string }[] }): Errors {
  const errors: Errors = [];
  const seen = new Set<string>();
  for (const [i, { type = "" }] of (status.conditions ?? []).entries()) {
    if (seen.has(type)) errors.push(duplicate(`status.conditions[${i}].type`, type));
    seen.add(type);
    if (type === "") errors.push(required(`status.conditions[${i}].type`));
  }
  return errors;
}

/** A well-known flow schema as the table writes it. */
interface Row {
  readonly priorityLevel: string;
  readonly matchingPrecedence: number;
  readonly distinguisher: string | null;
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
  readonly resourceRules: readonly object[];
  readonly nonResourceRules: readonly object[];
}

const FIELDS: Readonly<Record<string, string>> = { User: "user", Group: "group", ServiceAccount: "serviceAccount" };

/** The spec that a flow schema of upstream's bootstrap configuration has; undefined when there is none of that name. */
export function flowSchemaSpec(name: string): v1.FlowSchemaSpec | undefined {
  const row = wellKnown().flowSchemas[name] as Row | undefined;
  if (!row) return undefined;
  const { priorityLevel, matchingPrecedence, distinguisher, resourceRules, nonResourceRules } = row;
  const subjects = row.subjects.map(({ kind, ...who }) => ({ kind, [FIELDS[kind] ?? ""]: who }));
  const spec = {
    priorityLevelConfiguration: { name: priorityLevel },
    matchingPrecedence,
    ...(distinguisher !== null && { distinguisherMethod: { type: distinguisher } }),
    rules: [{ subjects, resourceRules, nonResourceRules }],
  };
  const whole = { kind: "FlowSchema", apiVersion: "flowcontrol.apiserver.k8s.io/v1", metadata: { name }, spec };
  return (normalize(whole) as unknown as v1.FlowSchema).spec;
}

function validateSpec(errors: Errors, name: string, spec: v1.FlowSchemaSpec): void {
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method, priorityLevelConfiguration: level } = spec;
  const at = "spec.matchingPrecedence";
  if (precedence <= 0) errors.push(invalidValue(at, precedence, "must be a positive value"));
  if (precedence > MAX_PRECEDENCE) {
    errors.push(invalidValue(at, precedence, `must not be greater than ${MAX_PRECEDENCE}`));
  }
  if (precedence === 1 && name !== "exempt") {
    errors.push(invalidValue(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (method && !METHODS.includes(method.type)) {
    errors.push(notSupported("spec.distinguisherMethod.type", method, METHODS));
  }
  if (level.name === "") {
    errors.push(required("spec.priorityLevelConfiguration.name", "must reference a priority level"));
  } else {
    invalidEach(errors, "spec.priorityLevelConfiguration.name", level.name, nameIsDnsSubdomain(level.name, false));
  }
  for (const [i, rule] of (spec.rules ?? []).entries()) validateRule(errors, `spec.rules[${i}]`, rule);
}

function validateRule(errors: Errors, path: string, rule: v1.PolicyRulesWithSubjects): void {
  const { subjects, resourceRules = [], nonResourceRules = [] } = rule;
  if (subjects.length === 0) {
    errors.push(required(`${path}.subjects`, "subjects must contain at least one value"));
  }
  for (const [i, subject] of subjects.entries()) validateSubject(errors, `${path}.subjects[${i}]`, subject);
  if (resourceRules.length + nonResourceRules.length === 0) {
    errors.push(required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  }
  for (const [i, resourceRule] of resourceRules.entries()) {
    validateResourceRule(errors, `${path}.resourceRules[${i}]`, resourceRule);
  }
  for (const [i, { verbs, nonResourceURLs: urls }] of nonResourceRules.entries()) {
    const at = `${path}.nonResourceRules[${i}]`;
    validateVerbs(errors, at, verbs);
    const list = `${at}.nonResourceURLs`;
    if (urls.length === 0) errors.push(required(list, "nonResourceURLs must contain at least one value"));
    else if (urls.includes("*")) loneStar(errors, list, urls, "non-resource URLs");
    else for (const [j, url] of urls.entries()) validateUrl(errors, `${list}[${j}]`, url);
  }
}

function validateSubject(errors: Errors, path: string, subject: v1.Subject): void {
  const { kind } = subject;
  if (!KINDS.includes(kind)) return void errors.push(notSupported(`${path}.kind`, kind, KINDS));
  const field = FIELDS[kind] as "user" | "group" | "serviceAccount";
  const who = subject[field];
  const at = `${path}.${field}`;
  if (!who) errors.push(required(at, `${field} is required when subject kind is '${kind}'`));
  else {
    if (who.name === "") errors.push(required(`${at}.name`));
    if ("namespace" in who) {
      if (who.name !== "" && who.name !== "*") {
        invalidEach(errors, `${at}.name`, who.name, nameIsDnsSubdomain(who.name, false));
      }
      if (who.namespace === "") {
        errors.push(required(`${at}.namespace`, "must specify namespace for service account"));
      } else invalidEach(errors, `${at}.namespace`, who.namespace, nameIsDnsLabel(who.namespace, false));
    }
  }
  for (const [other, of] of [
    ["serviceAccount", "ServiceAccount"],
    ["user", "User"],
    ["group", "Group"],
  ] as const) {
    if (other === field || !subject[other]) continue;
    errors.push(forbiddenField(`${path}.${other}`, `${other} is forbidden when subject kind is not '${of}'`));
  }
}

function validateVerbs(errors: Errors, path: string, verbs: readonly string[]): void {
  const at = `${path}.verbs`;
  if (verbs.length === 0) errors.push(required(at, "verbs must contain at least one value"));
  else if (verbs.includes("*")) loneStar(errors, at, verbs, "verbs");
  else if (verbs.some((verb) => !VERBS.includes(verb))) errors.push(notSupported(at, verbs, VERBS));
}

function loneStar(errors: Errors, path: string, list: readonly string[], what: string): void {
  if (list.length > 1 && list.includes("*")) {
    errors.push(invalidValue(path, list, `if '*' is present, must not specify other ${what}`));
  }
}

function validateResourceRule(errors: Errors, path: string, rule: v1.ResourcePolicyRule): void {
  const { verbs, apiGroups, resources, namespaces = [], clusterScope = false } = rule;
  validateVerbs(errors, path, verbs);
  if (apiGroups.length === 0) {
    errors.push(required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
  } else loneStar(errors, `${path}.apiGroups`, apiGroups, "api groups");
  if (resources.length === 0) {
    errors.push(required(`${path}.resources`, "resource rules must supply at least one resource"));
  } else loneStar(errors, `${path}.resources`, resources, "resources");
  const at = `${path}.namespaces`;
  if (namespaces.length === 0 && !clusterScope) {
    const words = "resource rules that are not cluster scoped must supply at least one namespace";
    errors.push(required(at, words));
  } else if (namespaces.includes("*")) loneStar(errors, at, namespaces, "namespaces");
  else {
    for (const [i, namespace] of namespaces.entries()) {
      const problems = nameIsDnsLabel(namespace, false);
      const intro = "each member of this list must be '*' or a DNS-1123 label; ";
      invalidEach(
        errors,
        `${at}[${i}]`,
        namespace,
        problems.map((problem) => intro + problem),
      );
    }
  }
}

function validateUrl(errors: Errors, path: string, url: string): void {
  const stars = url.split("*").length - 1;
  const problem =
    url === ""
      ? "must not be empty"
      : url === "/"
        ? undefined
        : !url.startsWith("/")
          ? "must start with slash"
          : url.includes(" ")
            ? "must not contain white-space"
            : url.includes("//")
              ? "must not contain double slash"
              : stars > 1 || (stars === 1 && !url.endsWith("/*"))
                ? "wildcard can only do suffix matching"
                : undefined;
  if (problem) errors.push(invalidValue(path, url, problem));
}
