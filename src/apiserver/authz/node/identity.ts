import type { UserInfo } from "../../seams/index.ts";

const USER = "system:node:";
const GROUP = "system:nodes";

/** The node whose kubelet a user is; undefined: no kubelet at all. */
export function nodeNameOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(USER) && groups.includes(GROUP) ? name.slice(USER.length) : undefined;
}
