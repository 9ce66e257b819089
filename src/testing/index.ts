export { type ClusterOptions, type ClusterParts, createCluster, type TestCluster } from "./cluster.ts";
