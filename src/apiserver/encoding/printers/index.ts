import * as autoscaling from "./autoscaling.ts";
import * as cluster from "./cluster.ts";
import * as network from "./network.ts";
import * as pods from "./pods.ts";
import * as policy from "./policy.ts";
import * as storage from "./storage.ts";
import type { Cells } from "./words.ts";
import * as workloads from "./workloads.ts";

/** Cells by resource, for objects whose type is the resource's; read with {@link cellsOf}. */
const CELLS: Readonly<Record<string, Cells<never>>> = {
  "apiservices.apiregistration.k8s.io": cluster.apiServiceCells,
  "certificatesigningrequests.certificates.k8s.io": policy.csrCells,
  "clusterrolebindings.rbac.authorization.k8s.io": policy.bindingCells,
  "clustertrustbundles.certificates.k8s.io": policy.trustBundleCells,
  componentstatuses: cluster.componentStatusCells,
  configmaps: cluster.configMapCells,
  "controllerrevisions.apps": workloads.controllerRevisionCells,
  "cronjobs.batch": workloads.cronJobCells,
  "csidrivers.storage.k8s.io": storage.csiDriverCells,
  "csinodes.storage.k8s.io": storage.csiNodeCells,
  "daemonsets.apps": workloads.daemonSetCells,
  "deployments.apps": workloads.deploymentCells,
  "deviceclasses.resource.k8s.io": cluster.ageCells,
  "devicetaintrules.resource.k8s.io": policy.deviceTaintCells,
  endpoints: network.endpointsCells,
  "endpointslices.discovery.k8s.io": network.endpointSliceCells,
  events: cluster.eventCells,
  "events.events.k8s.io": cluster.newEventCells,
  "flowschemas.flowcontrol.apiserver.k8s.io": policy.flowSchemaCells,
  "horizontalpodautoscalers.autoscaling": autoscaling.autoscalerCells,
  "ingressclasses.networking.k8s.io": network.ingressClassCells,
  "ingresses.networking.k8s.io": network.ingressCells,
  "ipaddresses.networking.k8s.io": network.ipAddressCells,
  "jobs.batch": workloads.jobCells,
  "leasecandidates.coordination.k8s.io": policy.leaseCandidateCells,
  "leases.coordination.k8s.io": policy.leaseCells,
  "mutatingadmissionpolicies.admissionregistration.k8s.io": policy.admissionPolicyCells,
  "mutatingadmissionpolicybindings.admissionregistration.k8s.io": policy.policyBindingCells,
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": policy.webhookCells,
  namespaces: cluster.namespaceCells,
  "networkpolicies.networking.k8s.io": network.networkPolicyCells,
  nodes: cluster.nodeCells,
  persistentvolumeclaims: storage.persistentVolumeClaimCells,
  persistentvolumes: storage.persistentVolumeCells,
  "podcertificaterequests.certificates.k8s.io": policy.podCertificateCells,
  "poddisruptionbudgets.policy": workloads.podDisruptionBudgetCells,
  pods: pods.podCells,
  podtemplates: workloads.podTemplateCells,
  "priorityclasses.scheduling.k8s.io": cluster.priorityClassCells,
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": policy.priorityLevelCells,
  "replicasets.apps": workloads.replicaSetCells,
  replicationcontrollers: workloads.replicationControllerCells,
  "resourceclaims.resource.k8s.io": policy.resourceClaimCells,
  "resourceclaimtemplates.resource.k8s.io": cluster.ageCells,
  resourcequotas: cluster.resourceQuotaCells,
  "resourceslices.resource.k8s.io": policy.resourceSliceCells,
  "rolebindings.rbac.authorization.k8s.io": policy.bindingCells,
  "runtimeclasses.node.k8s.io": cluster.runtimeClassCells,
  secrets: cluster.secretCells,
  serviceaccounts: cluster.ageCells,
  "servicecidrs.networking.k8s.io": network.serviceCidrCells,
  services: network.serviceCells,
  "statefulsets.apps": workloads.statefulSetCells,
  "storageclasses.storage.k8s.io": storage.storageClassCells,
  "storageversionmigrations.storagemigration.k8s.io": policy.migrationCells,
  "storageversions.internal.apiserver.k8s.io": cluster.storageVersionCells,
  "validatingadmissionpolicies.admissionregistration.k8s.io": policy.admissionPolicyCells,
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": policy.policyBindingCells,
  "validatingwebhookconfigurations.admissionregistration.k8s.io": policy.webhookCells,
  "volumeattachments.storage.k8s.io": storage.volumeAttachmentCells,
  "volumeattributesclasses.storage.k8s.io": storage.volumeAttributesClassCells,
  "workloads.scheduling.k8s.io": cluster.ageCells,
};

/** How the objects of a resource (`pods`, `deployments.apps`) are printed. */
export function cellsOf(resource: string): Cells<unknown> {
  return (CELLS[resource] ?? cluster.defaultCells) as Cells<unknown>;
}

export { scaleCells } from "./autoscaling.ts";
export { statusCells } from "./cluster.ts";
export { podConditions } from "./pods.ts";
