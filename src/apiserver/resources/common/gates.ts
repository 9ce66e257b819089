/**
 * The feature gates that strategies and admission consult, with v1.35's defaults. A test compares them with the facts.
 * Gates that are locked on are not listed: what they guard is simply there.
 */
export const GATES = {
  ClusterTrustBundleProjection: false,
  ContainerRestartRules: true,
  ContainerStopSignals: false,
  CrossNamespaceVolumeDataSource: false,
  DRAAdminAccess: true,
  DRAConsumableCapacity: false,
  DRADeviceBindingConditions: false,
  DRADeviceTaints: false,
  DRAExtendedResource: false,
  DRAPartitionableDevices: false,
  DRAPrioritizedList: true,
  DRAResourceClaimDeviceStatus: true,
  DeploymentReplicaSetTerminatingReplicas: true,
  EnvFiles: true,
  GenericWorkload: false,
  GitRepoVolumeDriver: false,
  HPAConfigurableTolerance: true,
  HPAScaleToZero: false,
  HostnameOverride: true,
  ImageVolume: true,
  InPlacePodLevelResourcesVerticalScaling: false,
  MatchLabelKeysInPodTopologySpread: true,
  MatchLabelKeysInPodTopologySpreadSelectorMerge: true,
  MaxUnavailableStatefulSet: true,
  MutablePVNodeAffinity: false,
  MutablePodResourcesForSuspendedJobs: false,
  MutableSchedulingDirectivesForSuspendedJobs: false,
  PodCertificateRequest: false,
  PodDeletionCost: true,
  PodLevelResources: true,
  ProcMountType: true,
  RelaxedServiceNameValidation: false,
  ResourceHealthStatus: false,
  RestartAllContainersOnContainerExits: false,
  SELinuxChangePolicy: true,
  SELinuxMount: false,
  StrictIPCIDRValidation: false,
  TaintTolerationComparisonOperators: false,
  UserNamespacesHostNetworkSupport: false,
  UserNamespacesSupport: true,
} as const;

/** Which of those gates are on in this server. */
export type Gates = { readonly [K in keyof typeof GATES]: boolean };
