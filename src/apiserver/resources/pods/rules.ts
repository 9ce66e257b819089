import type { Gates } from "../common/gates.ts";

/** How strictly a pod spec is judged: by the gates, and mildly about what was already stored. */
export interface PodRules {
  readonly gates: Gates;
  readonly allowPrivileged: boolean;
  /** It is a pod, not a template of one. */
  readonly isPod: boolean;
  readonly allowInvalidDeletionCost: boolean;
  readonly allowInvalidSelectorValues: boolean;
  readonly allowInvalidNodeAffinityValues: boolean;
  readonly allowIndivisibleHugePages: boolean;
  readonly allowInvalidSpreadSelector: boolean;
  readonly allowNonLocalTokenPath: boolean;
  readonly allowHostSysctls: boolean;
  readonly allowVolumeDevicesInUserNamespace: boolean;
  readonly allowRestartAllContainers: boolean;
  readonly allowTolerationComparison: boolean;
  readonly allowHostNetworkInUserNamespace: boolean;
}
