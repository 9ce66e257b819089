export type { Listener, ListenOptions } from "./http/listener.ts";
export type { KubeletClientOptions } from "./endpoints/connect/backend.ts";
export { createStrategies, ServiceAllocators, type Strategies, type StrategyOptions } from "./resources/index.ts";
export * from "./seams/index.ts";
export { type ApiServer, type ApiServerOptions, createApiServer } from "./server.ts";
export { createStandardApiServer, type StandardApiServer, type StandardApiServerOptions } from "./standard/index.ts";
