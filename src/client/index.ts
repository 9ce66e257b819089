export * from "./client.ts";
export * from "./informer-types.ts";
export * from "./transport.ts";
