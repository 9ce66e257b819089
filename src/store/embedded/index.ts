export { openEmbeddedStore, type EmbeddedStoreOptions } from "./open.ts";
export type { RetentionOptions } from "../shared/retention.ts";
