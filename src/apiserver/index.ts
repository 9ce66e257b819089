export * from "./seams/index.ts";
export { type ApiServer, type ApiServerOptions, createApiServer } from "./server.ts";
