import {
  type BootstrapBinding,
  type BootstrapRole,
  type Draft,
  rbacBootstrap,
  type rbacv1,
  type Resource,
  resources,
} from "../../api/index.ts";
import type { Client, ResourceClient } from "../../client/index.ts";
import { mapConcurrent } from "../../kit/index.ts";
import { isAlreadyExists, isConflict } from "../../machinery/index.ts";
import { uncovered } from "./rbac/rules.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";
const AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate";
const CONCURRENCY = 32;

/**
 * Makes the roles and bindings that every cluster has, and adds to existing ones what they lack, unless somebody switched
 * that off by annotation. Never takes anything away. `client` must belong to system:masters.
 */
export async function reconcileBootstrapPolicy(client: Client): Promise<void> {
  const policy = rbacBootstrap();
  const { clusterRoles, controllerRoles, roles, clusterRoleBindings, controllerRoleBindings, roleBindings } = policy;
  const drafts = [
    ...[...clusterRoles, ...controllerRoles].map((role) => [resources.clusterroles, roleDraft(role)] as const),
    ...roles.map((role) => [resources.roles, roleDraft(role)] as const),
    ...[...clusterRoleBindings, ...controllerRoleBindings].map(
      (b) => [resources.clusterrolebindings, bindingDraft(b)] as const,
    ),
    ...roleBindings.map((b) => [resources.rolebindings, bindingDraft(b)] as const),
  ] as readonly (readonly [Resource<Policy>, Draft<Policy>])[];
  const existing = new Map<string, Policy>();
  for (const resource of new Set(drafts.map(([resource]) => resource))) {
    for (const object of (await client.resource(resource).list()).items) existing.set(keyOf(resource, object), object);
  }
  await mapConcurrent([...drafts], CONCURRENCY, ([resource, draft]) => {
    const found = existing.get(keyOf(resource, draft));
    return found ? complete(client.resource(resource), found, draft) : create(client.resource(resource), draft);
  });
}

/** A role or a binding: what either may have. */
type Policy = rbacv1.ClusterRole & rbacv1.ClusterRoleBinding;

function keyOf(resource: Resource, object: Draft<Policy>): string {
  return `${resource.resource} ${object.metadata?.namespace ?? ""}/${object.metadata?.name ?? ""}`;
}

function metadataOf(of: BootstrapRole | BootstrapBinding): Draft<Policy["metadata"]> {
  const { name, namespace, labels, annotations } = of;
  return {
    name,
    ...(namespace && { namespace }),
    ...(labels && { labels: { ...labels } }),
    ...(annotations && { annotations: { ...annotations } }),
  };
}

function roleDraft(role: BootstrapRole): Draft<Policy> {
  return {
    metadata: metadataOf(role),
    rules: role.rules as rbacv1.PolicyRule[],
    ...(role.aggregationRule && { aggregationRule: role.aggregationRule }),
  };
}

function bindingDraft(binding: BootstrapBinding): Draft<Policy> {
  const [kind, name] = binding.roleRef;
  const subjects = binding.subjects.map((s) =>
    s.kind === "ServiceAccount" ? { ...s } : { ...s, apiGroup: RBAC_GROUP },
  );
  return { metadata: metadataOf(binding), roleRef: { apiGroup: RBAC_GROUP, kind, name }, subjects };
}

async function create(api: ResourceClient<Policy>, draft: Draft<Policy>): Promise<void> {
  await api.create(draft).catch((error: unknown) => {
    // Another API server may be doing the same.
    if (!isAlreadyExists(error)) throw error;
  });
}

/** Adds what an object lacks; a binding to another role is replaced, because that cannot be changed. */
async function complete(api: ResourceClient<Policy>, found: Policy, draft: Draft<Policy>): Promise<void> {
  if (found.metadata.annotations?.[AUTOUPDATE] === "false") return;
  const { roleRef } = draft;
  if (roleRef && (found.roleRef.kind !== roleRef.kind || found.roleRef.name !== roleRef.name)) {
    const { name, namespace, uid } = found.metadata;
    await api.delete({ name, ...(namespace !== undefined && { namespace }) }, { preconditions: { uid } });
    return create(api, draft);
  }
  const whole = completed(found, draft);
  if (!whole) return;
  await api.update(whole).catch((error: unknown) => {
    if (!isConflict(error)) throw error;
  });
}

/** The object with what it lacks of the draft; undefined when it lacks nothing. */
function completed(found: Policy, draft: Draft<Policy>): Draft<Policy> | undefined {
  const rules = found.aggregationRule ? [] : uncovered(found.rules ?? [], (draft.rules ?? []) as rbacv1.PolicyRule[]);
  const has = (s: Draft<rbacv1.Subject>): boolean =>
    (found.subjects ?? []).some(
      (f) => f.kind === s.kind && f.name === s.name && (f.namespace ?? "") === (s.namespace ?? ""),
    );
  const subjects = (draft.subjects ?? []).filter((s) => !has(s));
  const { labels = {}, annotations = {} } = draft.metadata ?? {};
  const lacks = (own: Readonly<Record<string, string>> | undefined, wanted: object): boolean =>
    Object.keys(wanted).some((key) => own?.[key] === undefined);
  const { metadata } = found;
  const bare = lacks(metadata.labels, labels) || lacks(metadata.annotations, annotations);
  if (rules.length === 0 && subjects.length === 0 && !bare) return undefined;
  return {
    ...found,
    metadata: {
      ...metadata,
      labels: { ...labels, ...metadata.labels },
      annotations: { ...annotations, ...metadata.annotations },
    },
    ...(rules.length > 0 && { rules: [...(found.rules ?? []), ...rules] }),
    ...(subjects.length > 0 && { subjects: [...(found.subjects ?? []), ...subjects] }),
  };
}
