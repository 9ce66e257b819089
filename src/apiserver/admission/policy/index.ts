export { celConditions } from "./conditions.ts";
export { type PolicyParts, validatingPolicies } from "./validating.ts";
