export * from "./client.ts";
export { createClient, PATCH_TYPES } from "./create-client.ts";
export { createInformerFactory } from "./informer-factory.ts";
export * from "./informer-types.ts";
export * from "./pager.ts";
export * from "./path.ts";
export * from "./transport.ts";
export * from "./watch-event.ts";
