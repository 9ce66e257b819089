import type {
  admissionregistrationv1,
  certificatesv1,
  certificatesv1beta1,
  coordinationv1,
  coordinationv1beta1,
  flowcontrolv1,
  rbacv1,
  resourcev1,
  resourcev1alpha3,
  storagemigrationv1beta1,
} from "../../../api/index.ts";
import { formatLabelSelector } from "../../../machinery/index.ts";
import { age, type Cells, formatLabels, humanDuration, orNone, since, subjectCells } from "./words.ts";

/** `mutatingwebhookconfigurations` and `validatingwebhookconfigurations`. */
export const webhookCells: Cells<admissionregistrationv1.MutatingWebhookConfiguration> = (config, now) => [
  config.metadata.name,
  config.webhooks?.length ?? 0,
  age(config, now),
];

interface AnyPolicy {
  readonly metadata: { readonly name: string; readonly creationTimestamp?: string };
  readonly spec: {
    readonly paramKind?: { readonly apiVersion?: string; readonly kind?: string };
    readonly validations?: readonly unknown[];
    readonly mutations?: readonly unknown[];
  };
}

/** `validatingadmissionpolicies` and `mutatingadmissionpolicies`. */
export const admissionPolicyCells: Cells<AnyPolicy> = ({ metadata, spec }, now) => [
  metadata.name,
  (spec.validations ?? spec.mutations ?? []).length,
  spec.paramKind ? `${spec.paramKind.apiVersion ?? ""}/${spec.paramKind.kind ?? ""}` : "<unset>",
  age({ metadata }, now),
];

/** `validatingadmissionpolicybindings` and `mutatingadmissionpolicybindings`. */
export const policyBindingCells: Cells<admissionregistrationv1.ValidatingAdmissionPolicyBinding> = (binding, now) => {
  const { policyName, paramRef } = binding.spec;
  const named = paramRef?.name ? `${paramRef.namespace || "*"}/${paramRef.name}` : undefined;
  const selected = paramRef?.selector && formatLabelSelector(paramRef.selector);
  return [binding.metadata.name, policyName ?? "", named ?? selected ?? "<unset>", age(binding, now)];
};

/** `rolebindings` and `clusterrolebindings`. */
export const bindingCells: Cells<rbacv1.RoleBinding> = (binding, now) => [
  binding.metadata.name,
  `${binding.roleRef.kind}/${binding.roleRef.name}`,
  age(binding, now),
  ...subjectCells(binding.subjects),
];

/** `certificatesigningrequests.certificates.k8s.io`. */
export const csrCells: Cells<certificatesv1.CertificateSigningRequest> = (csr, now) => {
  const { spec, status, metadata } = csr;
  const has = (type: string): boolean => status.conditions?.some((c) => c.type === type) ?? false;
  const words = [has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending"];
  if (has("Failed")) words.push("Failed");
  if (status.certificate) words.push("Issued");
  return [
    metadata.name,
    age(csr, now),
    orNone(spec.signerName),
    spec.username ?? "",
    spec.expirationSeconds === undefined ? "<none>" : humanDuration(spec.expirationSeconds * 1000),
    words.join(","),
  ];
};

/** `clustertrustbundles.certificates.k8s.io`. */
export const trustBundleCells: Cells<certificatesv1beta1.ClusterTrustBundle> = ({ metadata, spec }) => [
  metadata.name,
  orNone(spec.signerName),
];

/** `podcertificaterequests.certificates.k8s.io`. */
export const podCertificateCells: Cells<certificatesv1beta1.PodCertificateRequest> = ({ metadata, spec, status }) => [
  metadata.name,
  spec.podName,
  spec.serviceAccountName,
  spec.nodeName,
  spec.signerName,
  status.conditions?.findLast((c) => ["Issued", "Denied", "Failed"].includes(c.type))?.type ?? "Pending",
  formatLabels(spec.unverifiedUserAnnotations),
];

/** `leases.coordination.k8s.io`. */
export const leaseCells: Cells<coordinationv1.Lease> = (lease, now) => [
  lease.metadata.name,
  lease.spec?.holderIdentity ?? "",
  age(lease, now),
];

/** `leasecandidates.coordination.k8s.io`. */
export const leaseCandidateCells: Cells<coordinationv1beta1.LeaseCandidate> = ({ metadata, spec }, now) => [
  metadata.name,
  spec.leaseName,
  spec.binaryVersion,
  spec.emulationVersion ?? "",
  age({ metadata }, now),
];

/** `flowschemas.flowcontrol.apiserver.k8s.io`. */
export const flowSchemaCells: Cells<flowcontrolv1.FlowSchema> = ({ metadata, spec, status }, now) => [
  metadata.name,
  spec.priorityLevelConfiguration.name,
  spec.matchingPrecedence,
  spec.distinguisherMethod?.type ?? "<none>",
  age({ metadata }, now),
  status.conditions?.find((c) => c.type === "Dangling")?.status ?? "?",
];

/** `prioritylevelconfigurations.flowcontrol.apiserver.k8s.io`. */
export const priorityLevelCells: Cells<flowcontrolv1.PriorityLevelConfiguration> = ({ metadata, spec }, now) => {
  const queuing = spec.limited?.limitResponse?.queuing;
  return [
    metadata.name,
    spec.type,
    spec.limited?.nominalConcurrencyShares ?? "<none>",
    queuing?.queues ?? "<none>",
    queuing?.handSize ?? "<none>",
    queuing?.queueLengthLimit ?? "<none>",
    age({ metadata }, now),
  ];
};

/** `resourceclaims.resource.k8s.io`. */
export const resourceClaimCells: Cells<resourcev1.ResourceClaim> = (claim, now) => {
  const deleted = claim.metadata.deletionTimestamp !== undefined;
  const states = deleted ? ["deleted"] : [];
  if (claim.status.allocation) states.push("allocated");
  else if (!deleted) states.push("pending");
  if (claim.status.allocation && claim.status.reservedFor?.length) states.push("reserved");
  return [claim.metadata.name, states.join(","), age(claim, now)];
};

/** `resourceslices.resource.k8s.io`. */
export const resourceSliceCells: Cells<resourcev1.ResourceSlice> = ({ metadata, spec }, now) => [
  metadata.name,
  spec.nodeName ?? "",
  spec.driver,
  spec.pool.name,
  age({ metadata }, now),
];

/** `devicetaintrules.resource.k8s.io`. */
export const deviceTaintCells: Cells<resourcev1alpha3.DeviceTaintRule> = ({ metadata, spec }, now) => [
  metadata.name,
  spec.taint.key,
  spec.taint.value ?? "",
  spec.taint.effect,
  spec.taint.timeAdded === undefined ? "" : since(spec.taint.timeAdded, now),
  age({ metadata }, now),
];

const MIGRATION = ["Running", "Failed", "Succeeded"];

/** `storageversionmigrations.storagemigration.k8s.io`. */
export const migrationCells: Cells<storagemigrationv1beta1.StorageVersionMigration> = ({ metadata, spec, status }) => {
  const { group = "", resource = "" } = spec.resource as { group?: string; resource?: string };
  const state = status.conditions?.findLast((c) => c.status === "True" && MIGRATION.includes(c.type));
  return [metadata.name, group === "" ? resource : `${resource}.${group}`, state?.type ?? "Unknown"];
};
