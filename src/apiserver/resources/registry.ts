import { customResourceDefinitions } from "../crd/definition/kind.ts";
import { controllerRevisions, statefulSets } from "./apps/stateful-sets.ts";
import { daemonSets } from "./apps/daemon-sets.ts";
import { deployments, replicaSets } from "./apps/deployments.ts";
import { cronJobs } from "./batch/cron-jobs.ts";
import { jobs } from "./batch/jobs.ts";
import { signingRequests } from "./certificates/signing-requests.ts";
import { trustBundles } from "./certificates/trust-bundles.ts";
import { configMaps, secrets } from "./core/config.ts";
import { endpoints } from "./core/endpoints.ts";
import { events } from "./core/events.ts";
import { limitRanges } from "./core/limit-ranges.ts";
import { namespaces } from "./core/namespaces.ts";
import { nodes } from "./core/nodes.ts";
import { persistentVolumeClaims } from "./core/persistent-volume-claims.ts";
import { persistentVolumes } from "./core/persistent-volumes.ts";
import { podTemplates, replicationControllers } from "./core/replication-controllers.ts";
import { resourceQuotas } from "./core/resource-quotas.ts";
import { serviceAccounts } from "./core/service-accounts.ts";
import {
  deviceClasses,
  deviceTaintRules,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
} from "./dra/device-kinds.ts";
import { flowSchemas } from "./flowcontrol/flow-schemas.ts";
import { priorityLevels } from "./flowcontrol/priority-levels.ts";
import type { KindFactory } from "./kind.ts";
import { endpointSlices } from "./networking/endpoint-slices.ts";
import { ingressClasses, ingresses } from "./networking/ingresses.ts";
import { ipAddresses, networkPolicies, serviceCidrs } from "./networking/policies.ts";
import { pods } from "./pods/index.ts";
import { autoscalers } from "./policy/autoscalers.ts";
import { disruptionBudgets } from "./policy/disruption-budgets.ts";
import { leaseCandidates, leases } from "./policy/leases.ts";
import { priorityClasses, workloads } from "./policy/priority.ts";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "./policy/roles.ts";
import { runtimeClasses } from "./policy/runtime-classes.ts";
import { apiServices } from "./registration/api-services.ts";
import { mutatingBindings, mutatingPolicies, validatingBindings, validatingPolicies } from "./registration/policies.ts";
import { webhookConfigurations } from "./registration/webhooks.ts";
import { services } from "./services/index.ts";
import { storageClasses, volumeAttributesClasses } from "./storage/classes.ts";
import { csiDrivers, csiNodes, csiStorageCapacities, volumeAttachments } from "./storage/csi.ts";
import { storageMigrations } from "./storage/migrations.ts";

/**
 * Every kind with rules of its own, by resource and group (`pods`, `deployments.apps`). Versions share their rules: objects
 * are judged in the stored version's form.
 */
export const KINDS: Readonly<Record<string, KindFactory<never>>> = {
  configmaps: configMaps,
  endpoints,
  events,
  limitranges: limitRanges,
  namespaces,
  nodes,
  persistentvolumeclaims: persistentVolumeClaims,
  persistentvolumes: persistentVolumes,
  pods,
  podtemplates: podTemplates,
  replicationcontrollers: replicationControllers,
  resourcequotas: resourceQuotas,
  secrets,
  serviceaccounts: serviceAccounts,
  services,
  "mutatingadmissionpolicies.admissionregistration.k8s.io": mutatingPolicies,
  "mutatingadmissionpolicybindings.admissionregistration.k8s.io": mutatingBindings,
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": webhookConfigurations,
  "validatingadmissionpolicies.admissionregistration.k8s.io": validatingPolicies,
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": validatingBindings,
  "validatingwebhookconfigurations.admissionregistration.k8s.io": webhookConfigurations,
  "customresourcedefinitions.apiextensions.k8s.io": customResourceDefinitions,
  "apiservices.apiregistration.k8s.io": apiServices,
  "controllerrevisions.apps": controllerRevisions,
  "daemonsets.apps": daemonSets,
  "deployments.apps": deployments,
  "replicasets.apps": replicaSets,
  "statefulsets.apps": statefulSets,
  "horizontalpodautoscalers.autoscaling": autoscalers,
  "cronjobs.batch": cronJobs,
  "jobs.batch": jobs,
  "certificatesigningrequests.certificates.k8s.io": signingRequests,
  "clustertrustbundles.certificates.k8s.io": trustBundles,
  "leasecandidates.coordination.k8s.io": leaseCandidates,
  "leases.coordination.k8s.io": leases,
  "endpointslices.discovery.k8s.io": endpointSlices,
  "flowschemas.flowcontrol.apiserver.k8s.io": flowSchemas,
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": priorityLevels,
  "ingressclasses.networking.k8s.io": ingressClasses,
  "ingresses.networking.k8s.io": ingresses,
  "ipaddresses.networking.k8s.io": ipAddresses,
  "networkpolicies.networking.k8s.io": networkPolicies,
  "servicecidrs.networking.k8s.io": serviceCidrs,
  "runtimeclasses.node.k8s.io": runtimeClasses,
  "poddisruptionbudgets.policy": disruptionBudgets,
  "clusterrolebindings.rbac.authorization.k8s.io": clusterRoleBindings,
  "clusterroles.rbac.authorization.k8s.io": clusterRoles,
  "rolebindings.rbac.authorization.k8s.io": roleBindings,
  "roles.rbac.authorization.k8s.io": roles,
  "deviceclasses.resource.k8s.io": deviceClasses,
  "devicetaintrules.resource.k8s.io": deviceTaintRules,
  "resourceclaims.resource.k8s.io": resourceClaims,
  "resourceclaimtemplates.resource.k8s.io": resourceClaimTemplates,
  "resourceslices.resource.k8s.io": resourceSlices,
  "priorityclasses.scheduling.k8s.io": priorityClasses,
  "workloads.scheduling.k8s.io": workloads,
  "csidrivers.storage.k8s.io": csiDrivers,
  "csinodes.storage.k8s.io": csiNodes,
  "csistoragecapacities.storage.k8s.io": csiStorageCapacities,
  "storageclasses.storage.k8s.io": storageClasses,
  "storageversionmigrations.storagemigration.k8s.io": storageMigrations,
  "volumeattachments.storage.k8s.io": volumeAttachments,
  "volumeattributesclasses.storage.k8s.io": volumeAttributesClasses,
};
