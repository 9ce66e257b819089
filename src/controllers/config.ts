/** Settings of the controller manager; every one has upstream's default. Durations are milliseconds. */
export interface ControllersConfig {
  /** Which controllers run, in the syntax of `--controllers`: `*`, `name`, `-name`; the first word about a name counts. */
  readonly controllers: readonly string[];
  /** Feature gates that differ from their defaults. */
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** Pod addresses of the cluster, from which nodes get theirs: one CIDR an address family. Empty: nodes get none. */
  readonly clusterCidr: readonly string[];
  /** Service addresses, which nodes must not get. */
  readonly serviceCidr: readonly string[];
  readonly nodeCidrMaskSizeIpv4: number;
  readonly nodeCidrMaskSizeIpv6: number;
  /** How often the node lifecycle controller looks at all nodes. */
  readonly nodeMonitorPeriodMs: number;
  /** How long a node may be silent before it counts as lost. */
  readonly nodeMonitorGracePeriodMs: number;
  /** The same for a node that has just registered. */
  readonly nodeStartupGracePeriodMs: number;
  /** Nodes per second whose pods are evicted, in a healthy zone. */
  readonly nodeEvictionRate: number;
  /** The same in an unhealthy zone of a large cluster. */
  readonly secondaryNodeEvictionRate: number;
  /** Nodes beyond which a zone counts as large. */
  readonly largeClusterSizeThreshold: number;
  /** The share of lost nodes that makes a zone unhealthy. */
  readonly unhealthyZoneThreshold: number;
  /** Finished pods beyond this number are deleted, oldest first; 0: none are. */
  readonly terminatedPodGcThreshold: number;
  readonly maxEndpointsPerSlice: number;
  readonly mirroringMaxEndpointsPerSubset: number;
  /**
   * How long the emptying of a namespace waits after its deletion, so that every API server has seen that it is ending. A
   * single API server needs no wait.
   */
  readonly namespaceDeletionDelayMs: number;
  /** How often quotas and volumes are looked at again although nothing happened. */
  readonly resourceQuotaSyncPeriodMs: number;
  readonly pvClaimBinderSyncPeriodMs: number;
  readonly hpaSyncPeriodMs: number;
  readonly hpaTolerance: number;
  readonly hpaDownscaleStabilizationMs: number;
  readonly hpaCpuInitializationPeriodMs: number;
  readonly hpaInitialReadinessDelayMs: number;
  /** The longest validity of certificates that are signed. */
  readonly clusterSigningDurationMs: number;
  readonly legacyTokenCleanUpPeriodMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Upstream's defaults (`flags` in the facts); no cluster or service CIDR. */
export const DEFAULT_CONFIG: ControllersConfig = {
  controllers: ["*"],
  featureGates: {},
  clusterCidr: [],
  serviceCidr: [],
  nodeCidrMaskSizeIpv4: 24,
  nodeCidrMaskSizeIpv6: 64,
  nodeMonitorPeriodMs: 5 * SECOND,
  nodeMonitorGracePeriodMs: 50 * SECOND,
  nodeStartupGracePeriodMs: MINUTE,
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  largeClusterSizeThreshold: 50,
  unhealthyZoneThreshold: 0.55,
  terminatedPodGcThreshold: 12_500,
  maxEndpointsPerSlice: 100,
  mirroringMaxEndpointsPerSubset: 1000,
  namespaceDeletionDelayMs: 5 * SECOND,
  resourceQuotaSyncPeriodMs: 5 * MINUTE,
  pvClaimBinderSyncPeriodMs: 15 * SECOND,
  hpaSyncPeriodMs: 15 * SECOND,
  hpaTolerance: 0.1,
  hpaDownscaleStabilizationMs: 5 * MINUTE,
  hpaCpuInitializationPeriodMs: 5 * MINUTE,
  hpaInitialReadinessDelayMs: 30 * SECOND,
  clusterSigningDurationMs: 8760 * HOUR,
  legacyTokenCleanUpPeriodMs: 8760 * HOUR,
};
