/** Kinds that are not known beforehand: what a server serves, and their objects' metadata. */
export { discover } from "./discovery.ts";
export { metadataOnly } from "./metadata-only.ts";
export { type AnyObject, ServedResources, type ServedVersion } from "./served-resources.ts";
