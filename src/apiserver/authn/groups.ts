import type { UserInfo } from "../seams/index.ts";

const AUTHENTICATED = "system:authenticated";

/** Adds the group that everybody known belongs to. */
export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED) ? user : { ...user, groups: [...user.groups, AUTHENTICATED] };
}
