import type { rbacv1, Resource } from "../../../api/index.ts";
import { forbidden } from "../../../machinery/index.ts";
import type { Admission, AdmissionRequest, Attributes, Authorizer } from "../../seams/index.ts";
import type { Grants } from "./grants.ts";
import { describeRule, uncovered } from "./rules.ts";

const GROUP = "rbac.authorization.k8s.io";
const ROLES = new Set(["roles", "clusterroles"]);
const BINDINGS = new Set(["rolebindings", "clusterrolebindings"]);
const MASTERS = "system:masters";

/**
 * Nobody may grant more than they have: writing a role asks for the verb `escalate` or for all of its rules, writing a binding
 * for `bind` on the role or for all of the role's rules.
 */
export function escalationAdmission(grants: Grants, authorizers: () => readonly Authorizer[]): Admission {
  return {
    name: "RBACEscalation",
    handles: (operation, resource) =>
      (operation === "CREATE" || operation === "UPDATE") &&
      resource.group === GROUP &&
      (ROLES.has(resource.resource) || BINDINGS.has(resource.resource)),
    async validate(request, signal) {
      if (request.user.groups.includes(MASTERS)) return;
      const wanted = wantedRules(request, grants);
      if (wanted.rules.length === 0 && !wanted.always) return;
      if (await allowed(request, wanted, authorizers(), signal)) return;
      const missing = uncovered(ownRules(request, grants), wanted.rules);
      if (missing.length === 0 && !wanted.always) return;
      throw refusal(request, missing, wanted.verb);
    },
  };
}

interface Wanted {
  readonly rules: readonly rbacv1.PolicyRule[];
  readonly verb: "escalate" | "bind";
  readonly resource: string;
  readonly name: string;
  readonly namespace: string;
  /** The role does not exist: only the verb can allow it. */
  readonly always: boolean;
}

function wantedRules(request: AdmissionRequest, grants: Grants): Wanted {
  const { resource, namespace, name } = request;
  if (ROLES.has(resource.resource)) {
    const role = request.object as unknown as rbacv1.ClusterRole;
    const before = request.oldObject as unknown as rbacv1.ClusterRole | undefined;
    const rules = role.rules ?? [];
    const same =
      before &&
      JSON.stringify([before.rules ?? [], before.aggregationRule]) === JSON.stringify([rules, role.aggregationRule]);
    // An aggregated role may come to hold anything.
    const all = role.aggregationRule
      ? [
          { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
          { verbs: ["*"], nonResourceURLs: ["*"] },
        ]
      : rules;
    return { rules: same ? [] : all, verb: "escalate", resource: resource.resource, name, namespace, always: false };
  }
  const binding = request.object as unknown as rbacv1.RoleBinding;
  const before = request.oldObject as unknown as rbacv1.RoleBinding | undefined;
  const same =
    before && JSON.stringify([before.roleRef, before.subjects]) === JSON.stringify([binding.roleRef, binding.subjects]);
  const { roleRef } = binding;
  const rules = grants.rulesOf(roleRef, namespace);
  return {
    rules: same ? [] : (rules ?? []),
    verb: "bind",
    resource: roleRef.kind === "ClusterRole" ? "clusterroles" : "roles",
    name: roleRef.name,
    namespace,
    always: !same && rules === undefined,
  };
}

async function allowed(
  request: AdmissionRequest,
  wanted: Wanted,
  authorizers: readonly Authorizer[],
  signal?: AbortSignal,
): Promise<boolean> {
  const asked: Attributes = {
    user: request.user,
    verb: wanted.verb,
    path: "",
    isResource: true,
    group: GROUP,
    version: "*",
    resource: wanted.resource,
    subresource: "",
    namespace: wanted.namespace,
    name: wanted.name,
  };
  for (const authorizer of authorizers) {
    const { decision } = await authorizer.authorize(asked, signal);
    if (decision !== "no opinion") return decision === "allow";
  }
  return false;
}

function ownRules(request: AdmissionRequest, grants: Grants): rbacv1.PolicyRule[] {
  const rules: rbacv1.PolicyRule[] = [];
  grants.forUser(request.user, request.namespace, (grant) => {
    rules.push(...grant.rules);
    return false;
  });
  return rules;
}

function refusal(request: AdmissionRequest, missing: readonly rbacv1.PolicyRule[], verb: "escalate" | "bind"): Error {
  const { user, resource, name } = request;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(" ");
  const what = `user "${user.name}" (groups=[${groups}]) is attempting to grant RBAC permissions not currently held`;
  const list = missing.map(describeRule).join("\n");
  const message =
    missing.length > 0 ? `${what}:\n${list}` : `${what}: the role does not exist and the user may not ${verb} it`;
  return forbidden(resource satisfies Resource, name, message);
}
