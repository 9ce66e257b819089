import { type rbacv1, resources } from "../../../api/index.ts";
import { deepEqual, forbidden, notFound, quote } from "../../../machinery/index.ts";
import type { Admission, AdmissionRequest, Authorizer, Lookup } from "../../seams/index.ts";
import { permits } from "../permits.ts";
import type { Grants } from "./grants.ts";
import { describeRules, quoteList, uncovered } from "./rules.ts";

const GROUP = "rbac.authorization.k8s.io";
const ROLES = new Set(["roles", "clusterroles"]);
const BINDINGS = new Set(["rolebindings", "clusterrolebindings"]);
const MASTERS = "system:masters";
/** All there is: what who uses an aggregation rule might come to hold. */
const EVERYTHING: readonly rbacv1.PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/**
 * Nobody may grant more than they have: writing a role asks for the verb `escalate` or for all of its rules, writing a binding
 * for `bind` on the role or for all of the role's rules. With a `lookup`, a role counts as soon as it is stored.
 */
export function escalationAdmission(
  grants: Grants,
  authorizers: () => readonly Authorizer[],
  lookup?: Lookup,
): Admission {
  return {
    name: "RBACEscalation",
    handles: (operation, resource, subresource) =>
      (operation === "CREATE" || operation === "UPDATE") &&
      subresource === "" &&
      resource.group === GROUP &&
      (ROLES.has(resource.resource) || BINDINGS.has(resource.resource)),
    async validate(request, signal) {
      if (request.user.groups.includes(MASTERS)) return;
      if (request.oldObject && changesOnlyOwnership(request)) return;
      if (ROLES.has(request.resource.resource)) await checkRole(request, grants, authorizers(), signal);
      else await checkBinding(request, grants, authorizers(), lookup, signal);
    },
  };
}

/** The garbage collector takes away owners and finalizers of what it may not write. */
function changesOnlyOwnership({ object, oldObject }: AdmissionRequest): boolean {
  const bare = (of: typeof object): object => {
    const { ownerReferences: _1, finalizers: _2, managedFields: _3, ...metadata } = of?.metadata ?? {};
    return { ...of, metadata };
  };
  return deepEqual(bare(object), bare(oldObject));
}

async function checkRole(
  request: AdmissionRequest,
  grants: Grants,
  authorizers: readonly Authorizer[],
  signal?: AbortSignal,
): Promise<void> {
  const { user, namespace, operation, resource } = request;
  // Nobody can be allowed to escalate by a name that the request does not have in its path.
  const name = operation === "CREATE" ? "" : request.name;
  const question = { user, verb: "escalate", group: GROUP, resource: resource.resource, namespace, name };
  if (await permits(authorizers, question, signal)) return;
  const role = request.object as unknown as rbacv1.ClusterRole;
  const own = ownRules(request, grants);
  requireCovered(request, own, role.rules ?? []);
  const before = request.oldObject as unknown as rbacv1.ClusterRole | undefined;
  if ((aggregates(role) || (before && aggregates(before))) && uncovered(own, EVERYTHING).length > 0) {
    throw forbidden(resource, request.name, "must have cluster-admin privileges to use the aggregationRule");
  }
}

function aggregates({ aggregationRule }: rbacv1.ClusterRole): boolean {
  return (aggregationRule?.clusterRoleSelectors ?? []).length > 0;
}

async function checkBinding(
  request: AdmissionRequest,
  grants: Grants,
  authorizers: readonly Authorizer[],
  lookup: Lookup | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const { user, namespace } = request;
  const { roleRef } = request.object as unknown as rbacv1.RoleBinding;
  const resource = roleRef.kind === "ClusterRole" ? resources.clusterroles : resources.roles;
  const question = { user, verb: "bind", group: roleRef.apiGroup, resource: resource.resource, namespace };
  if (await permits(authorizers, { ...question, name: roleRef.name }, signal)) return;
  const rules = lookup ? await storedRules(roleRef, namespace, lookup) : grants.rulesOf(roleRef, namespace);
  if (!rules) throw notFound(resource, roleRef.name);
  requireCovered(request, ownRules(request, grants), rules);
}

async function storedRules(
  { kind, name }: rbacv1.RoleRef,
  namespace: string,
  lookup: Lookup,
): Promise<readonly rbacv1.PolicyRule[] | undefined> {
  const role =
    kind === "ClusterRole"
      ? await lookup.get(resources.clusterroles, name)
      : await lookup.get(resources.roles, name, namespace);
  return role && (role.rules ?? []);
}

function ownRules(request: AdmissionRequest, grants: Grants): rbacv1.PolicyRule[] {
  const rules: rbacv1.PolicyRule[] = [];
  grants.forUser(request.user, request.namespace, (grant) => {
    rules.push(...grant.rules);
    return false;
  });
  return rules;
}

function requireCovered(
  request: AdmissionRequest,
  own: readonly rbacv1.PolicyRule[],
  wanted: readonly rbacv1.PolicyRule[],
): void {
  const missing = uncovered(own, wanted);
  if (missing.length === 0) return;
  const { user, resource, name } = request;
  const who = `user ${quote(user.name)} (groups=${quoteList(user.groups)})`;
  const what = "is attempting to grant RBAC permissions not currently held";
  throw forbidden(resource, name, `${who} ${what}:\n${describeRules(missing)}`);
}
