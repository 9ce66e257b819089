export { reconcileBootstrapPolicy } from "./bootstrap.ts";
export { nodeAuthorizer } from "./node/authorizer.ts";
export { nodeNameOf } from "./node/identity.ts";
export { liveNodeRelations, type NodeRelations } from "./node/relations.ts";
export { mastersAuthorizer, rbacAuthorizer } from "./rbac/authorizer.ts";
export { escalationAdmission } from "./rbac/escalation.ts";
export { type Grants, liveGrants } from "./rbac/grants.ts";
