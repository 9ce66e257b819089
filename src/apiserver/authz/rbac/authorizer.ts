import type { Authorizer } from "../../seams/index.ts";
import type { Grants } from "./grants.ts";
import { ruleAllows } from "./rules.ts";

/** Role-based access control: allows what some grant's rules allow, and has no opinion on the rest. */
export function rbacAuthorizer(grants: Grants): Authorizer {
  return {
    name: "RBAC",
    authorize(attributes) {
      let reason: string | undefined;
      grants.forUser(attributes.user, attributes.namespace, (grant) => {
        if (!grant.rules.some((rule) => ruleAllows(rule, attributes))) return false;
        reason = `RBAC: allowed by ${grant.description}`;
        return true;
      });
      return reason === undefined ? { decision: "no opinion" } : { decision: "allow", reason };
    },
  };
}

const MASTERS = "system:masters";

/** Members of system:masters may do everything, whatever the roles say: the way back in when RBAC is broken. */
export function mastersAuthorizer(): Authorizer {
  return {
    name: "SystemMasters",
    authorize: ({ user }) => (user.groups.includes(MASTERS) ? { decision: "allow" } : { decision: "no opinion" }),
  };
}
