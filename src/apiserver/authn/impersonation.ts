import { badRequest } from "../../machinery/index.ts";
import type { Attributes, UserInfo } from "../seams/index.ts";

/** Lower-case names; Node joins what came several times by a comma and a space. */
type Headers = Readonly<Record<string, string | undefined>>;

/** Throws 403 unless what is asked is allowed. */
export type Require = (attributes: Attributes, signal?: AbortSignal) => Promise<void>;

const EXTRA = "impersonate-extra-";
const AUTHENTICATION = { group: "authentication.k8s.io", version: "v1" };
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** One thing that the request claims to be. */
interface Claim {
  readonly resource: "users" | "serviceaccounts" | "groups" | "userextras" | "uids";
  readonly name: string;
  readonly namespace?: string;
  /** The key of an extra. */
  readonly key?: string;
}

/**
 * As whom a request is to be treated that asks to be treated as somebody else; undefined when it does not ask. Who asks must
 * be allowed to `impersonate` the user, each group, the uid and each extra.
 */
export async function impersonate(
  headers: Headers,
  asking: UserInfo,
  require: Require,
  signal?: AbortSignal,
): Promise<UserInfo | undefined> {
  const claims = claimsOf(headers);
  const [who] = claims;
  if (!who) return undefined;
  if (who.resource !== "users" && who.resource !== "serviceaccounts") {
    throw badRequest(`requested [${claims.map(printClaim).join(" ")}] without impersonating a user`);
  }
  for (const claim of claims) await require(attributesOf(claim, asking), signal);
  return userOf(who, claims);
}

function claimsOf(headers: Headers): Claim[] {
  const claims: Claim[] = [];
  const name = headers["impersonate-user"] ?? "";
  const [, namespace, account] = ACCOUNT.exec(name) ?? [];
  if (namespace !== undefined && account !== undefined) {
    claims.push({ resource: "serviceaccounts", name: account, namespace });
  } else if (name !== "") claims.push({ resource: "users", name });
  for (const group of list(headers["impersonate-group"])) claims.push({ resource: "groups", name: group });
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(EXTRA)) continue;
    const key = unescape(header.slice(EXTRA.length));
    for (const each of list(value)) claims.push({ resource: "userextras", name: each, key });
  }
  const uid = headers["impersonate-uid"] ?? "";
  if (uid !== "") claims.push({ resource: "uids", name: uid });
  return claims;
}

function list(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(", ");
}

function unescape(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

function attributesOf({ resource, name, namespace = "", key = "" }: Claim, user: UserInfo): Attributes {
  const isCore = resource !== "userextras" && resource !== "uids";
  const { group, version } = isCore ? { group: "", version: "" } : AUTHENTICATION;
  return {
    user,
    verb: "impersonate",
    path: "",
    isResource: true,
    group,
    version,
    resource,
    subresource: key,
    namespace,
    name,
  };
}

function userOf(who: Claim, claims: readonly Claim[]): UserInfo {
  const of = (resource: Claim["resource"]): Claim[] => claims.filter((claim) => claim.resource === resource);
  const { namespace } = who;
  const name = namespace === undefined ? who.name : `system:serviceaccount:${namespace}:${who.name}`;
  const asked = of("groups").map((claim) => claim.name);
  const own = namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
  const groups = asked.length > 0 ? asked : own;
  const implied = name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  const known = groups.includes("system:unauthenticated") || groups.includes(implied);
  const extra: Record<string, string[]> = {};
  for (const claim of of("userextras")) (extra[claim.key ?? ""] ??= []).push(claim.name);
  const [uid] = of("uids");
  return {
    name,
    groups: known ? groups : [...groups, implied],
    ...(uid && { uid: uid.name }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** As Go prints a reference to an object. */
function printClaim({ resource, name, key = "" }: Claim): string {
  const kinds = {
    users: "User",
    serviceaccounts: "ServiceAccount",
    groups: "Group",
    userextras: "UserExtra",
    uids: "UID",
  };
  const version = resource === "groups" ? "" : `${AUTHENTICATION.group}/${AUTHENTICATION.version}`;
  return `{${[kinds[resource], "", name, "", version, "", key].join(" ")}}`;
}
