import { type rbacv1, resources } from "../../../api/index.ts";
import type { InformerFactory } from "../../../client/index.ts";
import { notFound, quote } from "../../../machinery/index.ts";
import type { UserInfo } from "../../seams/index.ts";

/** One binding that names the user, and the role it refers to. */
export interface Grant {
  readonly rules: readonly rbacv1.PolicyRule[];
  /** How upstream names it in a reason: `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  describe(): string;
}

/** Finds what is granted to a user; look-ups are by subject, whatever the number of bindings. */
export interface Grants {
  /**
   * Grants that count in `namespace` (empty: only those for the whole cluster). Stops when `visit` returns true. What is
   * wrong with bindings that name the user goes to `complain`.
   */
  forUser(
    user: UserInfo,
    namespace: string,
    visit: (grant: Grant) => boolean,
    complain?: (problem: string) => void,
  ): boolean;
  /** The rules of a role, or undefined when it does not exist. */
  rulesOf(ref: Pick<rbacv1.RoleRef, "kind" | "name">, namespace: string): readonly rbacv1.PolicyRule[] | undefined;
}

type Binding = rbacv1.RoleBinding | rbacv1.ClusterRoleBinding;

const SERVICE_ACCOUNT = "system:serviceaccount:";

/** Keeps roles and bindings by informers, indexed by subject. Call before the factory runs. */
export function liveGrants(informers: InformerFactory): Grants {
  const roles = informers.informer(resources.roles);
  const clusterRoles = informers.informer(resources.clusterroles);
  const bindings = informers.informer(resources.rolebindings);
  const clusterBindings = informers.informer(resources.clusterrolebindings);
  bindings.addIndex("subject", ({ subjects = [], metadata: { namespace } }) =>
    subjects.map((subject) => `${namespace} ${subjectKey(subject, namespace)}`),
  );
  clusterBindings.addIndex("subject", ({ subjects = [] }) => subjects.map((subject) => subjectKey(subject, "")));
  // Users come again and again as the same object: from the token cache, a connection, or a component of this process.
  const keys = new WeakMap<UserInfo, readonly string[]>();
  const keysOf = (user: UserInfo): readonly string[] => {
    let known = keys.get(user);
    if (!known) keys.set(user, (known = [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)]));
    return known;
  };

  const rulesOf: Grants["rulesOf"] = ({ kind, name }, namespace) => {
    const role = kind === "ClusterRole" ? clusterRoles.lister.get(name) : roles.lister.get(`${namespace}/${name}`);
    return role && (role.rules ?? []);
  };
  const grantOf = (binding: Binding, key: string, namespace: string): Grant | string => {
    const { kind } = binding.roleRef;
    if (kind !== "ClusterRole" && kind !== "Role") return `unsupported role reference kind: ${quote(kind)}`;
    const rules = rulesOf(binding.roleRef, namespace);
    if (rules) return { rules, describe: () => describe(binding, key, namespace) };
    const resource = kind.toLowerCase();
    return notFound({ group: "rbac.authorization.k8s.io", resource }, binding.roleRef.name).message;
  };

  return {
    rulesOf,
    forUser(user, namespace, visit, complain) {
      const visitAll = (found: Iterable<Binding>, key: string, where: string): boolean => {
        for (const binding of found) {
          const grant = grantOf(binding, key, where);
          if (typeof grant === "string") complain?.(grant);
          else if (visit(grant)) return true;
        }
        return false;
      };
      for (const key of keysOf(user)) {
        if (visitAll(clusterBindings.lister.byIndex("subject", key), key, "")) return true;
        if (namespace === "") continue;
        if (visitAll(bindings.lister.byIndex("subject", `${namespace} ${key}`), key, namespace)) return true;
      }
      return false;
    },
  };
}

function describe(binding: Binding, key: string, namespace: string): string {
  const { metadata, roleRef, subjects = [] } = binding;
  const [kind, name] =
    namespace === "" ? ["ClusterRoleBinding", metadata.name] : ["RoleBinding", `${metadata.name}/${namespace}`];
  const subject = subjects.find((candidate) => subjectKey(candidate, namespace) === key);
  const isAccount = subject?.kind === "ServiceAccount";
  const who = isAccount ? `${subject.name}/${subject.namespace || namespace}` : (subject?.name ?? "");
  const role = `${roleRef.kind} ${quote(roleRef.name)}`;
  return `${kind} ${quote(name)} of ${role} to ${subject?.kind ?? ""} ${quote(who)}`;
}

/** A service account is the user that its tokens are for. One without a namespace in a cluster-wide binding is nobody. */
function subjectKey(subject: rbacv1.Subject, bindingNamespace: string): string {
  if (subject.kind !== "ServiceAccount") return `${subject.kind} ${subject.name}`;
  const namespace = subject.namespace || bindingNamespace;
  return namespace === "" ? "" : `User ${SERVICE_ACCOUNT}${namespace}:${subject.name}`;
}
