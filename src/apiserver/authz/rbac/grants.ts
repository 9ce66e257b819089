import { type rbacv1, resources } from "../../../api/index.ts";
import type { InformerFactory } from "../../../client/index.ts";
import type { UserInfo } from "../../seams/index.ts";

/** One binding that names the user, and the role it refers to. */
export interface Grant {
  /** How upstream names it in a reason: `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  readonly description: string;
  readonly rules: readonly rbacv1.PolicyRule[];
}

/** Finds what is granted to a user; look-ups are by subject, whatever the number of bindings. */
export interface Grants {
  /** Grants that count in `namespace` (empty: only those for the whole cluster). Stops when `visit` returns true. */
  forUser(user: UserInfo, namespace: string, visit: (grant: Grant) => boolean): boolean;
  /** The rules of a role, or undefined when it does not exist. */
  rulesOf(ref: Pick<rbacv1.RoleRef, "kind" | "name">, namespace: string): readonly rbacv1.PolicyRule[] | undefined;
}

const SERVICE_ACCOUNT = "system:serviceaccount:";

/** Keeps roles and bindings by informers, indexed by subject. Call before the factory runs. */
export function liveGrants(informers: InformerFactory): Grants {
  const roles = informers.informer(resources.roles);
  const clusterRoles = informers.informer(resources.clusterroles);
  const bindings = informers.informer(resources.rolebindings);
  const clusterBindings = informers.informer(resources.clusterrolebindings);
  bindings.addIndex("subject", (b) =>
    (b.subjects ?? []).map((s) => `${b.metadata.namespace} ${subjectKey(s, b.metadata.namespace)}`),
  );
  clusterBindings.addIndex("subject", (b) => (b.subjects ?? []).map((s) => subjectKey(s, "")));

  const rulesOf: Grants["rulesOf"] = (ref, namespace) =>
    ref.kind === "ClusterRole"
      ? (clusterRoles.lister.get(ref.name)?.rules ?? ruleless(clusterRoles.lister.get(ref.name)))
      : roles.lister.get(`${namespace}/${ref.name}`)?.rules;

  const visitBinding = (
    kind: string,
    binding: rbacv1.RoleBinding | rbacv1.ClusterRoleBinding,
    subject: string,
    namespace: string,
    visit: (grant: Grant) => boolean,
  ): boolean => {
    const rules = rulesOf(binding.roleRef, namespace);
    if (!rules) return false;
    const where = namespace === "" ? "" : `/${namespace}`;
    const { roleRef, metadata } = binding;
    return visit({
      rules,
      description: `${kind} "${metadata.name}${where}" of ${roleRef.kind} "${roleRef.name}" to ${subject}`,
    });
  };

  return {
    rulesOf,
    forUser(user, namespace, visit) {
      for (const [key, subject] of subjectsOf(user)) {
        for (const binding of clusterBindings.lister.byIndex("subject", key)) {
          if (visitBinding("ClusterRoleBinding", binding, subject, "", visit)) return true;
        }
        if (namespace === "") continue;
        for (const binding of bindings.lister.byIndex("subject", `${namespace} ${key}`)) {
          if (visitBinding("RoleBinding", binding, subject, namespace, visit)) return true;
        }
      }
      return false;
    },
  };
}

/** A role without rules exists all the same. */
function ruleless(role: unknown): readonly rbacv1.PolicyRule[] | undefined {
  return role === undefined ? undefined : [];
}

function subjectKey(subject: rbacv1.Subject, bindingNamespace: string): string {
  if (subject.kind === "ServiceAccount")
    return `User ${SERVICE_ACCOUNT}${subject.namespace ?? bindingNamespace}:${subject.name}`;
  return `${subject.kind} ${subject.name}`;
}

/** The user and its groups, as index keys and as upstream writes them. */
function* subjectsOf(user: UserInfo): Generator<[key: string, description: string]> {
  const isAccount = user.name.startsWith(SERVICE_ACCOUNT);
  const account = user.name.slice(SERVICE_ACCOUNT.length).split(":");
  yield [`User ${user.name}`, isAccount ? `ServiceAccount "${account[1]}/${account[0]}"` : `User "${user.name}"`];
  for (const group of user.groups) yield [`Group ${group}`, `Group "${group}"`];
}
