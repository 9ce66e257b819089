import type { Client, InformerFactory } from "../../client/index.ts";
import type { Env } from "../../kit/index.ts";
import type { Admission, AdmissionRequest, Authorizer, Lookup } from "../seams/index.ts";
import { alwaysAdmit, alwaysDeny } from "./always.ts";
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  clusterTrustBundleAttest,
} from "./certificates.ts";
import { persistentVolumeClaimResize } from "./claim-resize.ts";
import { defaultIngressClass, defaultStorageClass } from "./default-classes.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { storageObjectInUseProtection } from "./in-use-protection.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceAutoProvision, namespaceExists } from "./namespace-existence.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction/index.ts";
import { alwaysPullImages, extendedResourceToleration, limitPodHardAntiAffinityTopology } from "./pod-guards.ts";
import { podSecurity, type PodSecurityOptions } from "./pod-security/index.ts";
import { podTopologyLabels } from "./pod-topology-labels.ts";
import { livePolicies, validatingPolicies } from "./policies/index.ts";
import { priorityAdmission } from "./priority.ts";
import { resourceQuota } from "./quota/index.ts";
import { runtimeClassAdmission } from "./runtime-class.ts";
import { serviceAccountAdmission } from "./service-account.ts";
import { denyServiceExternalIps } from "./service-external-ips.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";
import {
  type Conditions,
  type HookCaller,
  httpsCaller,
  liveMutatingHooks,
  liveValidatingHooks,
  mutatingWebhooks,
  ownVersions,
  validatingWebhooks,
  type Versions,
  type WebhookParts,
} from "./webhooks/index.ts";

/** What the built-in plugins need. A plugin whose part is absent stays out. */
export interface AdmissionParts {
  readonly lookup: Lookup;
  readonly env: Env;
  /** Those of this server, for plugins that ask what else a user may do. */
  readonly authorizers?: () => readonly Authorizer[];
  /** The server's own identity, for plugins that write. */
  readonly client?: Client;
  readonly podSecurity?: PodSecurityOptions;
  /** Tells which webhooks are registered; not running yet. */
  readonly informers?: InformerFactory;
  /** How webhooks are asked. Default: over TLS. */
  readonly hookCaller?: HookCaller;
  /** How objects get into the versions that webhooks want. Default: they are shown as they are stored. */
  readonly versions?: Versions;
}

type Create = (parts: AdmissionParts, earlier: () => readonly Admission[]) => Admission | undefined;

/** In upstream's order: its name, whether it is on by default, and how it is made. */
export type Row = readonly [name: string, on: boolean, create: Create];

/** The built-in plugins. */
export const PLUGINS: readonly Row[] = [
  ["AlwaysAdmit", false, alwaysAdmit],
  ["NamespaceAutoProvision", false, ({ lookup, client }) => client && namespaceAutoProvision(lookup, client)],
  ["NamespaceLifecycle", true, ({ lookup }) => namespaceLifecycle(lookup)],
  ["NamespaceExists", false, ({ lookup }) => namespaceExists(lookup)],
  ["LimitPodHardAntiAffinityTopology", false, limitPodHardAntiAffinityTopology],
  ["LimitRanger", true, ({ lookup }) => limitRanger(lookup)],
  ["ServiceAccount", true, ({ lookup, env }) => serviceAccountAdmission(lookup, env.clock, env.random)],
  ["NodeRestriction", false, ({ lookup, authorizers }) => authorizers && nodeRestriction({ lookup, authorizers })],
  ["TaintNodesByCondition", true, taintNodesByCondition],
  ["AlwaysPullImages", false, alwaysPullImages],
  ["PodSecurity", true, ({ lookup, env, podSecurity: options }) => podSecurity(lookup, env.clock, options)],
  ["Priority", true, ({ lookup }) => priorityAdmission(lookup)],
  ["DefaultTolerationSeconds", true, () => defaultTolerationSeconds()],
  ["ExtendedResourceToleration", false, extendedResourceToleration],
  ["DefaultStorageClass", true, ({ lookup }) => defaultStorageClass(lookup)],
  ["StorageObjectInUseProtection", true, storageObjectInUseProtection],
  ["PersistentVolumeClaimResize", true, ({ lookup }) => persistentVolumeClaimResize(lookup)],
  ["RuntimeClass", true, ({ lookup }) => runtimeClassAdmission(lookup)],
  ["CertificateApproval", true, ({ authorizers }) => authorizers && certificateApproval(authorizers)],
  ["CertificateSigning", true, ({ authorizers }) => authorizers && certificateSigning(authorizers)],
  ["ClusterTrustBundleAttest", true, ({ authorizers }) => authorizers && clusterTrustBundleAttest(authorizers)],
  ["CertificateSubjectRestriction", true, certificateSubjectRestriction],
  ["DefaultIngressClass", true, ({ lookup }) => defaultIngressClass(lookup)],
  ["DenyServiceExternalIPs", false, denyServiceExternalIps],
  ["PodTopologyLabels", true, ({ lookup }) => podTopologyLabels(lookup)],
  ["MutatingAdmissionWebhook", true, mutating],
  ["ValidatingAdmissionPolicy", true, policies],
  ["ValidatingAdmissionWebhook", true, validating],
  ["ResourceQuota", true, ({ lookup, client, env }) => client && resourceQuota(lookup, client, env.clock)],
  ["AlwaysDeny", false, alwaysDeny],
];

function mutating(parts: AdmissionParts, earlier: () => readonly Admission[]): Admission | undefined {
  if (!parts.informers) return undefined;
  const readmit = async (request: AdmissionRequest, signal?: AbortSignal): Promise<void> => {
    const { operation, resource, subresource } = request;
    for (const plugin of earlier()) {
      if (plugin.handles(operation, resource, subresource)) await plugin.admit?.(request, signal);
    }
  };
  return mutatingWebhooks(liveMutatingHooks(parts.informers), webhookParts(parts), readmit);
}

function validating(parts: AdmissionParts): Admission | undefined {
  return parts.informers && validatingWebhooks(liveValidatingHooks(parts.informers), webhookParts(parts));
}

function policies(parts: AdmissionParts): Admission | undefined {
  const { informers, env, lookup, versions = ownVersions(env.clock), authorizers = () => [] } = parts;
  return informers && validatingPolicies(livePolicies(informers), { lookup, versions, authorizers });
}

function webhookParts(parts: AdmissionParts): WebhookParts {
  const { env, lookup, hookCaller, versions = ownVersions(env.clock), authorizers = () => [] } = parts;
  // The expression language is loaded with the first condition.
  let conditions: Promise<Conditions> | undefined;
  const load = async (): Promise<Conditions> => {
    const { celConditions } = await import("./policies/lazy.ts");
    return celConditions(authorizers, versions);
  };
  return {
    env,
    lookup,
    caller: hookCaller ?? httpsCaller(),
    versions,
    conditions: {
      hold: async (invocation, request, signal) => (await (conditions ??= load())).hold(invocation, request, signal),
    },
  };
}
