import { failure } from "../../machinery/index.ts";
import type { RequestInfo } from "../request/info.ts";
import type { ServerRequest } from "../request/types.ts";
import type { Attributes, UserInfo } from "../seams/index.ts";
import type { Gate } from "./authorize.ts";

const EXTRA = "impersonate-extra-";
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const AUTHENTICATED = "system:authenticated";
const UNAUTHENTICATED = "system:unauthenticated";
const ANONYMOUS = "system:anonymous";

/**
 * Who a request is to be taken for: `user`, or whom its Impersonate headers name, if `user` may speak for each of the
 * name, groups, uid and extras. Throws 403, or 500 for headers that name no user.
 */
export async function impersonate(
  request: ServerRequest,
  info: RequestInfo,
  user: UserInfo,
  gate: Gate,
): Promise<UserInfo> {
  const wanted = wantedOf(request);
  if (!wanted) return user;
  for (const asked of questions(wanted, user, info)) await gate.require(asked, request);
  return { ...wanted, groups: groupsOf(wanted) };
}

function wantedOf(request: ServerRequest): UserInfo | undefined {
  const { headers } = request;
  const all = (name: string): readonly string[] => request.headerValues?.(name) ?? splitHeader(headers[name]);
  const name = headers["impersonate-user"] ?? "";
  const uid = headers["impersonate-uid"];
  const groups = all("impersonate-group");
  const extra: Record<string, readonly string[]> = {};
  for (const header of Object.keys(headers)) {
    if (header.startsWith(EXTRA)) extra[unescapeKey(header.slice(EXTRA.length))] = all(header);
  }
  const others = groups.length > 0 || uid !== undefined || Object.keys(extra).length > 0;
  if (name === "" && !others) return undefined;
  if (name === "")
    throw failure({ code: 500, message: "requested impersonation of groups, uid or extra without a user" });
  return { name, groups, ...(uid !== undefined && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}

function* questions(wanted: UserInfo, user: UserInfo, info: RequestInfo): Generator<Attributes> {
  const base = { user, verb: "impersonate", path: info.path, isResource: true, version: "v1" };
  const ask = (group: string, resource: string, name: string, subresource = "", namespace = ""): Attributes => ({
    ...base,
    group,
    resource,
    subresource,
    namespace,
    name,
  });
  const account = SERVICE_ACCOUNT.exec(wanted.name);
  if (account) yield ask("", "serviceaccounts", account[2] ?? "", "", account[1]);
  else yield ask("", "users", wanted.name);
  for (const group of wanted.groups) yield ask("", "groups", group);
  if (wanted.uid !== undefined) yield ask("authentication.k8s.io", "uids", wanted.uid);
  for (const [key, values] of Object.entries(wanted.extra ?? {})) {
    for (const value of values) yield ask("authentication.k8s.io", "userextras", value, key);
  }
}

function groupsOf({ name, groups }: UserInfo): readonly string[] {
  const account = SERVICE_ACCOUNT.exec(name);
  const implied =
    account && groups.length === 0 ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : groups;
  if (name === ANONYMOUS) return implied.includes(UNAUTHENTICATED) ? implied : [...implied, UNAUTHENTICATED];
  if (implied.includes(AUTHENTICATED) || implied.includes(UNAUTHENTICATED)) return implied;
  return [...implied, AUTHENTICATED];
}

function splitHeader(value: string | undefined): readonly string[] {
  return value === undefined ? [] : value.split(", ");
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
