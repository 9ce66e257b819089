export { type PolicyParts, validatingPolicies } from "./plugin.ts";
export { livePolicies, type PolicySource } from "./source.ts";
