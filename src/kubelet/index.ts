export { DEFAULT_CONFIG, type KubeletConfig } from "./config.ts";
export { createKubelet, type Kubelet, type KubeletOptions } from "./kubelet.ts";
export { type MachineFacts, machineFacts } from "./node/machine.ts";
export type { Caller, Gatekeeper, NodeAttributes } from "./server/identity.ts";
export { purgeKubelet, type PurgeOptions } from "./purge.ts";
