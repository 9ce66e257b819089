import type { rbacv1 } from "../../../api/index.ts";
import {
  deepEqual,
  invalidValue,
  nameIsDnsSubdomain,
  nameIsPathSegment,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, invalidEach } from "../common/errors.ts";
import { hasInvalidSelectorValue, validateLabelSelector } from "../common/labels.ts";
import type { Kind } from "../kind.ts";

const GROUP = "rbac.authorization.k8s.io";

/** Roles. Who may write them is admission's to say. */
export function roles(): Kind<rbacv1.Role> {
  return {
    name: nameIsPathSegment,
    validate: ({ rules }) => validateRules(rules ?? [], true),
  };
}

/** Cluster roles. */
export function clusterRoles(): Kind<rbacv1.ClusterRole> {
  return {
    name: nameIsPathSegment,
    validate({ rules, aggregationRule }, old) {
      const errors = validateRules(rules ?? [], false);
      if (!aggregationRule) return errors;
      const selectors = aggregationRule.clusterRoleSelectors ?? [];
      const at = "aggregationRule.clusterRoleSelectors";
      if (selectors.length === 0) {
        errors.push(required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil"));
      }
      const allowInvalidValues = (old?.aggregationRule?.clusterRoleSelectors ?? []).some(hasInvalidSelectorValue);
      for (const [i, selector] of selectors.entries()) {
        validateLabelSelector(errors, `${at}[${i}]`, selector, { allowInvalidValues });
      }
      return errors;
    },
  };
}

function validateRules(rules: readonly rbacv1.PolicyRule[], namespaced: boolean): Errors {
  const errors: Errors = [];
  for (const [
    i,
    { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] },
  ] of rules.entries()) {
    const at = `rules[${i}]`;
    const urls = `${at}.nonResourceURLs`;
    if (verbs.length === 0) errors.push(required(`${at}.verbs`, "verbs must contain at least one value"));
    if (nonResourceURLs.length > 0) {
      if (namespaced) {
        errors.push(invalidValue(urls, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
      }
      if (apiGroups.length + resources.length + resourceNames.length > 0) {
        const words = "rules cannot apply to both regular resources and non-resource URLs";
        errors.push(invalidValue(urls, nonResourceURLs, words));
      }
      continue;
    }
    if (apiGroups.length === 0) {
      errors.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    }
    if (resources.length === 0) {
      errors.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
    }
  }
  return errors;
}

/** Role bindings. */
export function roleBindings(): Kind<rbacv1.RoleBinding> {
  return bindingKind(["Role", "ClusterRole"], true);
}

/** Cluster role bindings. */
export function clusterRoleBindings(): Kind<rbacv1.ClusterRoleBinding> {
  return bindingKind(["ClusterRole"], false);
}

type Binding = rbacv1.RoleBinding | rbacv1.ClusterRoleBinding;

function bindingKind(kinds: readonly string[], namespaced: boolean): Kind<Binding> {
  return {
    name: nameIsPathSegment,
    validate({ roleRef: ref, subjects }) {
      const errors: Errors = [];
      if (ref.apiGroup !== GROUP) errors.push(notSupported("roleRef.apiGroup", ref.apiGroup, [GROUP]));
      if (!kinds.includes(ref.kind)) errors.push(notSupported("roleRef.kind", ref.kind, kinds));
      if (!ref.name) errors.push(required("roleRef.name"));
      else invalidEach(errors, "roleRef.name", ref.name, nameIsPathSegment(ref.name, false));
      for (const [i, subject] of (subjects ?? []).entries())
        validateSubject(errors, `subjects[${i}]`, subject, namespaced);
      return errors;
    },
    validateChange: ({ roleRef }, old) =>
      deepEqual(roleRef, old.roleRef) ? [] : [invalidValue("roleRef", roleRef, "cannot change roleRef")],
  };
}

function validateSubject(errors: Errors, path: string, subject: rbacv1.Subject, namespaced: boolean): void {
  const { name, kind, apiGroup = "", namespace } = subject;
  if (!name) errors.push(required(`${path}.name`));
  if (kind === "ServiceAccount") {
    if (name) invalidEach(errors, `${path}.name`, name, nameIsDnsSubdomain(name, false));
    if (apiGroup !== "") errors.push(notSupported(`${path}.apiGroup`, apiGroup, [""]));
    if (!namespaced && !namespace) errors.push(required(`${path}.namespace`));
  } else if (kind === "User" || kind === "Group") {
    if (apiGroup !== GROUP) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [GROUP]));
  } else errors.push(notSupported(`${path}.kind`, kind, ["ServiceAccount", "User", "Group"]));
}
