export { createMemoryStore, type MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export type { RetentionOptions } from "../shared/retention.ts";
