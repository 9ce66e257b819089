import { internalError } from "../../machinery/index.ts";
import type { Attributes, UserInfo } from "../seams/index.ts";
import type { ServerRequest } from "../request/types.ts";
import type { Gate } from "./authorize.ts";
import { refusal } from "./authorize.ts";

const USER = "impersonate-user";
const GROUP = "impersonate-group";
const UID = "impersonate-uid";
const EXTRA = "impersonate-extra-";
const ACCOUNT = "system:serviceaccount:";
const ANONYMOUS = "system:anonymous";
const AUTHENTICATED = "system:authenticated";
const UNAUTHENTICATED = "system:unauthenticated";

/** One thing the caller wants to be taken for; each needs the verb `impersonate` on it. */
interface Claim {
  readonly group: "" | "authentication.k8s.io";
  readonly resource: "users" | "groups" | "serviceaccounts" | "userextras" | "uids";
  readonly name: string;
  readonly namespace?: string;
  /** The extra field's name. */
  readonly subresource?: string;
}

/**
 * The user that a request is made as: the one its `Impersonate-*` headers name, if the caller may, else the caller. Throws
 * 403 for whatever the caller may not be taken for.
 */
export async function impersonate(request: ServerRequest, caller: UserInfo, gate: Gate): Promise<UserInfo> {
  const claims = claimsOf(request);
  if (claims.length === 0) return caller;
  const [who] = claims;
  if (who?.resource !== "users" && who?.resource !== "serviceaccounts") {
    throw internalError(`requested ${JSON.stringify(claims)} without impersonating a user`);
  }
  for (const claim of claims) {
    const asked = attributesOf(caller, claim);
    const verdict = await gate.ask(asked, request.signal);
    if (verdict.decision !== "allow") throw refusal(asked, verdict.reason ?? "");
  }
  return userOf(who, claims);
}

function claimsOf(request: ServerRequest): Claim[] {
  const values = (name: string): readonly string[] =>
    request.headerValues?.(name) ?? [request.headers[name] ?? ""].filter(Boolean);
  const claims: Claim[] = [];
  const [name] = values(USER);
  if (name) {
    const [namespace, account] = name.startsWith(ACCOUNT) ? name.slice(ACCOUNT.length).split(":") : [];
    claims.push(
      namespace && account
        ? { group: "", resource: "serviceaccounts", name: account, namespace }
        : { group: "", resource: "users", name },
    );
  }
  for (const group of values(GROUP)) claims.push({ group: "", resource: "groups", name: group });
  for (const header of Object.keys(request.headers)) {
    if (!header.startsWith(EXTRA)) continue;
    const key = decode(header.slice(EXTRA.length));
    for (const value of values(header))
      claims.push({ group: "authentication.k8s.io", resource: "userextras", name: value, subresource: key });
  }
  const [uid] = values(UID);
  if (uid) claims.push({ group: "authentication.k8s.io", resource: "uids", name: uid });
  return claims;
}

function decode(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function attributesOf(user: UserInfo, claim: Claim): Attributes {
  return {
    user,
    verb: "impersonate",
    path: "",
    isResource: true,
    group: claim.group,
    version: claim.group === "" ? "" : "v1",
    resource: claim.resource,
    subresource: claim.subresource ?? "",
    namespace: claim.namespace ?? "",
    name: claim.name,
  };
}

function userOf(who: Claim, claims: readonly Claim[]): UserInfo {
  const name = who.resource === "serviceaccounts" ? `${ACCOUNT}${who.namespace}:${who.name}` : who.name;
  const groups = claims.filter((c) => c.resource === "groups").map((c) => c.name);
  if (groups.length === 0 && who.resource === "serviceaccounts")
    groups.push("system:serviceaccounts", `system:serviceaccounts:${who.namespace}`);
  // Groups that say for themselves whether the user is known are left as they are.
  if (name === ANONYMOUS) {
    if (!groups.includes(UNAUTHENTICATED)) groups.push(UNAUTHENTICATED);
  } else if (!groups.includes(AUTHENTICATED) && !groups.includes(UNAUTHENTICATED)) groups.push(AUTHENTICATED);
  const extra: Record<string, string[]> = {};
  for (const claim of claims) {
    if (claim.resource === "userextras")
      extra[claim.subresource ?? ""] = [...(extra[claim.subresource ?? ""] ?? []), claim.name];
  }
  const uid = claims.find((c) => c.resource === "uids")?.name;
  return { name, groups, extra, ...(uid !== undefined && { uid }) };
}
