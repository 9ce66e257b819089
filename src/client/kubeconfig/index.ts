export * from "./entries.ts";
export * from "./find.ts";
export * from "./in-cluster.ts";
export * from "./load.ts";
export { parseKubeconfig } from "./parse.ts";
export * from "./resolve.ts";
export type * from "./types.ts";
export { editKubeconfig, kubeconfigWritePath, type WriteOptions as KubeconfigWriteOptions } from "./write.ts";
export { KUBECONFIG_INVALID } from "./yaml-reader.ts";
