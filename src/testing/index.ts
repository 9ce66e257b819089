export { type ClusterOptions, type ClusterParts, createCluster, type TestCluster } from "./cluster.ts";
export type { NetworkAccess } from "./network-access.ts";
export { resources } from "../api/index.ts";
