import type { ControllerDefinition } from "./common/context.ts";
import { accountTokensController, legacyTokenCleanerController } from "./accounttokens/index.ts";
import { admissionPolicyStatusController } from "./admissionpolicy/index.ts";
import { attachDetachController } from "./attachdetach/index.ts";
import { bootstrapSigner, tokenCleaner } from "./bootstrap/index.ts";
import {
  requestApprovingController,
  requestCleaningController,
  requestSigningController,
} from "./certificates/index.ts";
import { clusterRoleAggregationController } from "./clusterroles/index.ts";
import { cronJobController } from "./cronjob/index.ts";
import { daemonSetController } from "./daemonset/index.ts";
import { deploymentController } from "./deployment/index.ts";
import { disruptionController } from "./disruption/index.ts";
import { endpointsController } from "./endpoints/index.ts";
import { endpointSliceController } from "./endpointslice/index.ts";
import { endpointSliceMirroringController } from "./endpointslicemirroring/index.ts";
import { ephemeralVolumeController } from "./ephemeralvolume/index.ts";
import { garbageCollectorController } from "./garbagecollector/index.ts";
import { jobController } from "./job/index.ts";
import { namespaceController } from "./namespace/index.ts";
import { nodeIpamController } from "./nodeipam/index.ts";
import { nodeLifecycleController } from "./nodelifecycle/index.ts";
import { autoscalerController } from "./podautoscaler/index.ts";
import { podGarbageCollector } from "./podgc/index.ts";
import { replicaSetController } from "./replicaset/index.ts";
import { replicationControllerController } from "./replicationcontroller/index.ts";
import { resourceClaimController } from "./resourceclaim/index.ts";
import { resourceQuotaController } from "./resourcequota/index.ts";
import { rootCaPublisher } from "./rootca/index.ts";
import { serviceAccountController } from "./serviceaccount/index.ts";
import { serviceCidrController } from "./servicecidr/index.ts";
import { statefulSetController } from "./statefulset/index.ts";
import { taintEvictionController } from "./tainteviction/index.ts";
import { ttlController } from "./ttl/index.ts";
import { ttlAfterFinishedController } from "./ttlafterfinished/index.ts";
import { volumeBinderController } from "./volumebinder/index.ts";
import { volumeExpandController } from "./volumeexpand/index.ts";
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from "./volumeprotection/index.ts";

/** Every controller there is. */
export const CONTROLLERS: readonly ControllerDefinition[] = [
  namespaceController,
  serviceAccountController,
  rootCaPublisher,
  replicationControllerController,
  replicaSetController,
  deploymentController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  garbageCollectorController,
  nodeLifecycleController,
  taintEvictionController,
  nodeIpamController,
  podGarbageCollector,
  ttlController,
  ttlAfterFinishedController,
  daemonSetController,
  jobController,
  cronJobController,
  statefulSetController,
  disruptionController,
  autoscalerController,
  resourceQuotaController,
  volumeBinderController,
  claimProtectionController,
  volumeProtectionController,
  attributesClassProtectionController,
  ephemeralVolumeController,
  volumeExpandController,
  attachDetachController,
  requestApprovingController,
  requestSigningController,
  requestCleaningController,
  clusterRoleAggregationController,
  bootstrapSigner,
  tokenCleaner,
  accountTokensController,
  legacyTokenCleanerController,
  serviceCidrController,
  admissionPolicyStatusController,
  resourceClaimController,
];
