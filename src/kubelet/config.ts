import type { corev1 } from "../api/index.ts";

/** The kubelet's settings: the fields of upstream's KubeletConfiguration that it heeds, under their names. */
export interface KubeletConfig {
  readonly clusterDNS: readonly string[];
  readonly clusterDomain: string;
  readonly maxPods: number;
  /** Processes a pod may have; -1: no limit. */
  readonly podPidsLimit: number;
  readonly seccompDefault: boolean;
  /** The control group below which `kubepods` stands. */
  readonly cgroupRoot: string;
  readonly cpuCFSQuota: boolean;
  readonly registerWithTaints: readonly corev1.Taint[];
  readonly registerNode: boolean;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly nodeLeaseDurationSeconds: number;
  /** How often the node's state is looked at, ms. */
  readonly nodeStatusUpdateFrequencyMs: number;
  /** How often it is written even though nothing changed, ms. */
  readonly nodeStatusReportFrequencyMs: number;
  readonly serializeImagePulls: boolean;
  readonly kubeReserved: Readonly<Record<string, string>>;
  readonly systemReserved: Readonly<Record<string, string>>;
  /** Memory kept back from what pods may request. */
  readonly evictionHardMemory: string;
  /** The resolver given to pods that use the node's. */
  readonly resolvConf: string;
  /** Bytes after which a container's log is rotated, and how many pieces of it are kept. */
  readonly containerLogMaxSize: string;
  readonly containerLogMaxFiles: number;
  /** Disk use, percent, at which unused images are removed, and down to which. */
  readonly imageGCHighThresholdPercent: number;
  readonly imageGCLowThresholdPercent: number;
  readonly imageMinimumGCAgeMs: number;
  /** Where the server listens; 0 lets the system choose. */
  readonly port: number;
  readonly address: string;
  /** Exec, attach, port-forward and logs. */
  readonly enableDebuggingHandlers: boolean;
}

export const DEFAULT_CONFIG: KubeletConfig = {
  clusterDNS: [],
  clusterDomain: "cluster.local",
  maxPods: 110,
  podPidsLimit: -1,
  seccompDefault: false,
  cgroupRoot: "/",
  cpuCFSQuota: true,
  registerWithTaints: [],
  registerNode: true,
  nodeLabels: {},
  nodeLeaseDurationSeconds: 40,
  nodeStatusUpdateFrequencyMs: 10_000,
  nodeStatusReportFrequencyMs: 300_000,
  serializeImagePulls: true,
  kubeReserved: {},
  systemReserved: {},
  evictionHardMemory: "100Mi",
  resolvConf: "/etc/resolv.conf",
  containerLogMaxSize: "10Mi",
  containerLogMaxFiles: 5,
  imageGCHighThresholdPercent: 85,
  imageGCLowThresholdPercent: 80,
  imageMinimumGCAgeMs: 120_000,
  port: 10_250,
  address: "0.0.0.0",
  enableDebuggingHandlers: true,
};
