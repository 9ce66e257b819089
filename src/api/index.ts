export * from "./resource.ts";
export { allResources, groups, resources } from "./resources.ts";
export * from "./tables.ts";
export type * from "./types/index.ts";
export { wellKnown, type WellKnown } from "./well-known.ts";
