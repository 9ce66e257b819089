export * from "./emission.ts";
export * from "./feed.ts";
export * from "./item.ts";
export * from "./predicate.ts";
export * from "./resource-cache.ts";
export type { CacheWatcher } from "./watcher.ts";
