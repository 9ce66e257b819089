import { type rbacv1, resources } from "../../api/index.ts";
import { deepEqual, selectorFrom } from "../../machinery/index.ts";
import type { ControllerDefinition } from "../common/context.ts";
import { Loop } from "../common/loop.ts";

type ClusterRole = rbacv1.ClusterRole;
type Rule = rbacv1.PolicyRule;

/** Roles that are made of others; there are few. */
const AGGREGATED = "aggregated";
const FIELD_MANAGER = "clusterrole-aggregation-controller";

function selectorsOf({ aggregationRule }: ClusterRole): ReturnType<typeof selectorFrom>[] {
  return (aggregationRule?.clusterRoleSelectors ?? []).map((selector) => selectorFrom(selector));
}

/** The rules of all roles that are selected: selector by selector, by name, each rule once. */
export function aggregatedRules(role: ClusterRole, roles: readonly ClusterRole[]): Rule[] {
  const rules: Rule[] = [];
  const byName = roles.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const selector of selectorsOf(role)) {
    for (const other of byName) {
      if (other.metadata.name === role.metadata.name || !selector.matches(other.metadata.labels ?? {})) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

/** ClusterRoles that are made of others by label, such as admin, edit and view, follow them. */
export const clusterRoleAggregationController: ControllerDefinition = {
  name: "clusterrole-aggregation-controller",
  account: "clusterrole-aggregation-controller",
  create: (context) => {
    const roles = context.caches.informer(resources.clusterroles);
    context.caches.index(roles, AGGREGATED, ({ aggregationRule }) =>
      aggregationRule === undefined ? [] : [AGGREGATED],
    );
    const client = context.client.resource(resources.clusterroles);
    const loop = new Loop({
      context,
      informers: [roles],
      reconcile: async (name, signal) => {
        const role = roles.lister.get(name);
        if (role?.aggregationRule === undefined) return;
        const rules = aggregatedRules(role, [...roles.lister.list()]);
        if (deepEqual(rules, role.rules ?? [])) return;
        const body = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name }, rules };
        await client.patch({ name }, { type: "apply", body, force: true }, { fieldManager: FIELD_MANAGER, signal });
      },
    });
    const wakeFor = (changed: ClusterRole): void => {
      const labels = changed.metadata.labels ?? {};
      for (const role of roles.lister.byIndex(AGGREGATED, AGGREGATED)) {
        if (selectorsOf(role).some((selector) => selector.matches(labels))) loop.add(role.metadata.name);
      }
    };
    const changed = (role: ClusterRole): void => {
      if (role.aggregationRule !== undefined) loop.add(role.metadata.name);
      wakeFor(role);
    };
    roles.handle({
      added: changed,
      updated: (role, before) => {
        if (!deepEqual(role.metadata.labels, before.metadata.labels)) wakeFor(before);
        changed(role);
      },
      deleted: wakeFor,
    });
    return loop;
  },
};
