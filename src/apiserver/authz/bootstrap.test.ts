import { expect, it } from "vitest";
import { rbacBootstrap, type rbacv1, type Resource } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { reconcileBootstrapPolicy } from "./bootstrap.ts";

type Policy = rbacv1.ClusterRole & rbacv1.ClusterRoleBinding;

/** A cluster as the reconciler sees it. */
class Cluster {
  readonly objects = new Map<string, Policy>();
  readonly writes: string[] = [];
  readonly client = {
    resource: ({ resource }: Resource) => {
      const key = ({ metadata: { name, namespace } }: { metadata: { name: string; namespace?: string } }): string =>
        `${resource} ${namespace ?? ""}/${name}`;
      const write = (verb: string, object: Policy): Promise<void> => {
        this.writes.push(`${verb} ${key(object)}`);
        this.objects.set(key(object), object);
        return Promise.resolve();
      };
      const items = (): Policy[] => [...this.objects].filter(([k]) => k.startsWith(`${resource} `)).map(([, o]) => o);
      return {
        list: () => Promise.resolve({ items: items() }),
        create: (object: Policy) => write("create", object),
        update: (object: Policy) => write("update", object),
        delete: (metadata: { name: string }) => {
          this.writes.push(`delete ${key({ metadata })}`);
          this.objects.delete(key({ metadata }));
          return Promise.resolve();
        },
      };
    },
  } as unknown as Client;

  change(key: string, edit: (object: Policy) => Partial<Policy>): void {
    const object = this.objects.get(key);
    if (!object) throw new Error(`no ${key}`);
    this.objects.set(key, { ...object, ...edit(object) });
  }
}

it("makes all of the bootstrap policy, and leaves it alone when it is there", async () => {
  const cluster = new Cluster();
  await reconcileBootstrapPolicy(cluster.client);
  const policy = rbacBootstrap();
  const all = [policy.clusterRoles, policy.controllerRoles, policy.roles].flat().length;
  const bindings = [policy.clusterRoleBindings, policy.controllerRoleBindings, policy.roleBindings].flat().length;
  expect(cluster.objects.size).toBe(all + bindings);
  cluster.writes.length = 0;
  await reconcileBootstrapPolicy(cluster.client);
  expect(cluster.writes).toEqual([]);
});

it("adds what somebody took away, unless told not to", async () => {
  const cluster = new Cluster();
  await reconcileBootstrapPolicy(cluster.client);
  cluster.writes.length = 0;
  const [role, other, binding, moved] = [
    "clusterroles /system:basic-user",
    "clusterroles /system:discovery",
    "clusterrolebindings /cluster-admin",
    "clusterrolebindings /system:node-proxier",
  ];
  const extra = { verbs: ["get"], apiGroups: ["a"], resources: ["b"] };
  cluster.change(role, ({ metadata }) => ({ rules: [extra], metadata: { ...metadata, labels: {} } }));
  cluster.change(other, ({ metadata }) => ({
    rules: [],
    metadata: { ...metadata, annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } },
  }));
  cluster.change(binding, () => ({ subjects: [] }));
  cluster.change(moved, () => ({ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "x" } }));
  await reconcileBootstrapPolicy(cluster.client);
  expect(cluster.writes.toSorted()).toEqual([
    `create ${moved}`,
    `delete ${moved}`,
    `update ${binding}`,
    `update ${role}`,
  ]);
  expect(cluster.objects.get(role)?.rules).toContainEqual(extra);
  expect(cluster.objects.get(role)?.rules?.length).toBeGreaterThan(1);
  expect(cluster.objects.get(role)?.metadata.labels).toEqual({ "kubernetes.io/bootstrapping": "rbac-defaults" });
  expect(cluster.objects.get(other)?.rules).toEqual([]);
});
