export * from "./resource.ts";
export { groups, resources } from "./resources.ts";
export type * from "./types/index.ts";
