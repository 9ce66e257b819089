import type { admissionregistrationv1 } from "../../api/index.ts";
import { errorText } from "../../kit/index.ts";
import {
  type CelType,
  compileProgram,
  DYN,
  type Environment,
  type Functions,
  KUBERNETES,
  method,
  opaqueType,
  type Overload,
} from "../../machinery/cel/index.ts";
import type { Kind } from "./types.ts";

type Policy = admissionregistrationv1.ValidatingAdmissionPolicy;
type Rule = admissionregistrationv1.NamedRuleWithOperations;
type Warning = admissionregistrationv1.ExpressionWarning;

/** Types of one policy's objects; more would take too long. */
const MOST_KINDS = 10;
const PREFIX = "compilation failed: ";

/** The kinds that a policy names, without those behind wildcards and subresources. */
export function kindsOf(
  policy: Policy,
  resolve: (group: string, version: string, resource: string) => Kind | undefined,
): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const rule of policy.spec.matchConstraints?.resourceRules ?? []) {
    for (const [group, version, resource] of combinations(rule)) {
      const kind = resolve(group, version, resource);
      if (kind !== undefined && kinds.size < MOST_KINDS) kinds.set(`${group}/${version}/${kind.kind}`, kind);
    }
  }
  return [...kinds].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind);
}

function* combinations({
  apiGroups = [],
  apiVersions = [],
  resources = [],
}: Rule): Generator<[string, string, string]> {
  if ([...apiGroups, ...apiVersions].some((name) => name.includes("*"))) return;
  for (const group of apiGroups.toSorted()) {
    for (const version of apiVersions.toSorted()) {
      for (const resource of resources.toSorted()) if (!/[*/]/.test(resource)) yield [group, version, resource];
    }
  }
}

/** What a policy's expressions are checked against. */
export interface PolicyTypes {
  readonly objects: readonly { readonly kind: Kind; readonly type: CelType }[];
  /** Absent: the policy has no parameters, or none whose type is known. */
  readonly params?: CelType;
}

/** What is wrong with a policy's expressions for objects of the types that it is about. They are let through all the same. */
export function checkPolicy({ spec }: Policy, types: PolicyTypes): Warning[] {
  const environments = types.objects.map(({ kind, type }) => ({ kind, environment: environmentOf(spec, type, types) }));
  const warnings: Warning[] = [];
  for (const [i, { expression, messageExpression }] of (spec.validations ?? []).entries()) {
    const fields = { expression, ...(messageExpression ? { messageExpression } : {}) };
    for (const [field, text] of Object.entries(fields)) {
      const faults = environments.flatMap(({ kind, environment }) => {
        const fault = faultOf(text, environment);
        return fault === undefined ? [] : [`${showKind(kind)}: ${fault}\n`];
      });
      if (faults.length > 0) warnings.push({ fieldRef: `spec.validations[${i}].${field}`, warning: faults.join("\n") });
    }
  }
  return warnings;
}

function showKind({ group, version, kind }: Kind): string {
  return `${group === "" ? version : `${group}/${version}`}, Kind=${kind}`;
}

function faultOf(expression: string, environment: Environment): string | undefined {
  try {
    compileProgram(expression, environment);
    return undefined;
  } catch (error) {
    const text = errorText(error);
    return text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  }
}

/** Of the request, the namespace and the authorizer the API server has checked the use already. */
function environmentOf(spec: Policy["spec"], object: CelType, { params }: PolicyTypes): Environment {
  const variables = new Map<string, CelType>([
    ["object", object],
    ["oldObject", object],
    ["request", DYN],
    ["namespaceObject", DYN],
    ["authorizer", AUTHORIZER],
  ]);
  if (spec.paramKind !== undefined) variables.set("params", params ?? DYN);
  const composed = new Map<string, CelType>();
  const environment = { variables, functions: FUNCTIONS };
  for (const { name, expression } of spec.variables ?? []) {
    variables.set("variables", { kind: "object", name: "kubernetes.variables", fields: new Map(composed) });
    try {
      composed.set(name, compileProgram(expression, environment).type);
    } catch {
      // Whoever uses it is told that there is no such thing.
    }
  }
  variables.set("variables", { kind: "object", name: "kubernetes.variables", fields: composed });
  return environment;
}

const AUTHORIZER = opaqueType("kubernetes.authorization.Authorizer");
const QUESTIONS: Readonly<Record<string, number>> = {
  path: 1,
  serviceAccount: 2,
  group: 1,
  resource: 1,
  subresource: 1,
  namespace: 1,
  name: 1,
  fieldSelector: 1,
  labelSelector: 1,
  check: 1,
  allowed: 0,
  reason: 0,
  errored: 0,
  error: 0,
};

/** Everything that expressions may call; what the authorizer's functions are called on and give is of any type. */
const FUNCTIONS: Functions = {
  globals: KUBERNETES.globals,
  members: Object.entries(QUESTIONS).reduce((members, [name, count]) => {
    const args = Array.from({ length: count + 1 }, () => DYN);
    return members.set(name, [...(members.get(name) ?? []), method(name, args, DYN, () => null)]);
  }, new Map<string, readonly Overload[]>(KUBERNETES.members)),
};
