import type { Client } from "../../client/index.ts";
import type { Env } from "../../kit/index.ts";
import type { Admission, Authorizer, Lookup } from "../seams/index.ts";
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
import { priorityAdmission } from "./priority.ts";
import { resourceQuota } from "./quota/index.ts";
import { runtimeClassAdmission } from "./runtime-class.ts";
import { serviceAccountAdmission } from "./service-account.ts";
import { denyServiceExternalIps } from "./service-external-ips.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";

/** What the built-in plugins need. A plugin whose part is absent stays out. */
export interface AdmissionParts {
  readonly lookup: Lookup;
  readonly env: Env;
  /** Those of this server, for plugins that ask what else a user may do. */
  readonly authorizers?: () => readonly Authorizer[];
  /** The server's own identity, for plugins that write. */
  readonly client?: Client;
  readonly podSecurity?: PodSecurityOptions;
}

/** In upstream's order: its name, whether it is on by default, and how it is made. */
export type Row = readonly [name: string, on: boolean, create: (parts: AdmissionParts) => Admission | undefined];

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
  ["ResourceQuota", true, ({ lookup, client, env }) => client && resourceQuota(lookup, client, env.clock)],
  ["AlwaysDeny", false, alwaysDeny],
];
