export { reconcileBootstrapPolicy } from "./bootstrap.ts";
export { mastersAuthorizer, rbacAuthorizer } from "./rbac/authorizer.ts";
export { escalationAdmission } from "./rbac/escalation.ts";
export { type Grants, liveGrants } from "./rbac/grants.ts";
