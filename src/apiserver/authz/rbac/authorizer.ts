import type { Authorizer } from "../../seams/index.ts";
import type { Grants } from "./grants.ts";
import { ruleAllows } from "./rules.ts";

/** Role-based access control: allows what some grant's rules allow, and has no opinion on the rest. */
export function rbacAuthorizer(grants: Grants): Authorizer {
  return {
    name: "RBAC",
    authorize(attributes) {
      let reason = "";
      const problems = new Set<string>();
      const allowed = grants.forUser(
        attributes.user,
        attributes.namespace,
        (grant) => {
          if (!grant.rules.some((rule) => ruleAllows(rule, attributes))) return false;
          reason = `RBAC: allowed by ${grant.describe()}`;
          return true;
        },
        (problem) => problems.add(problem),
      );
      if (allowed) return { decision: "allow", reason };
      if (problems.size === 0) return { decision: "no opinion" };
      const text = [...problems].join(", ");
      return { decision: "no opinion", reason: `RBAC: ${problems.size === 1 ? text : `[${text}]`}` };
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
