import { forbidden, internalError, quote } from "../../machinery/index.ts";
import type { RequestInfo } from "../request/info.ts";
import type { Attributes, Authorizer, UserInfo, Verdict } from "../seams/index.ts";

/** Whose going away ends the asking. */
export interface SignalSource {
  readonly signal: AbortSignal;
}

/** Asks the authorizers in order until one decides. */
export class Gate {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  /**
   * The verdict; "no opinion" when nobody decided. Never throws for a refusal. The signal is asked of `source` only for
   * authorizers that take one, because making it costs.
   */
  async ask(attributes: Attributes, source?: SignalSource): Promise<Verdict> {
    const reasons: string[] = [];
    const errors: string[] = [];
    for (const authorizer of this.#authorizers) {
      const takesSignal = authorizer.authorize.length > 1;
      const answer = takesSignal ? authorizer.authorize(attributes, source?.signal) : authorizer.authorize(attributes);
      const verdict = answer instanceof Promise ? await answer : answer;
      if (verdict.reason) reasons.push(verdict.reason);
      if (verdict.error) errors.push(verdict.error);
      if (verdict.decision !== "no opinion") return { ...verdict, reason: verdict.reason ?? reasons.join("\n") };
    }
    return {
      decision: "no opinion",
      ...(reasons.length > 0 && { reason: reasons.join("\n") }),
      ...(errors.length > 0 && { error: errors.join("\n") }),
    };
  }

  /** Throws 403 in upstream's words unless somebody allows it. */
  async require(attributes: Attributes, source?: SignalSource): Promise<void> {
    const verdict = await this.ask(attributes, source);
    if (verdict.decision === "allow") return;
    if (verdict.error !== undefined) throw internalError(verdict.error);
    throw refusal(attributes, verdict.reason ?? "");
  }
}

/** What is asked about a request. */
export function attributesOf(info: RequestInfo, user: UserInfo): Attributes {
  const { verb, path, isResource, group, version, resource, subresource, namespace, name } = info;
  return {
    user,
    verb,
    path,
    isResource,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    ...(info.labelSelector !== "" && { labelSelector: info.labelSelector }),
    ...(info.fieldSelector !== "" && { fieldSelector: info.fieldSelector }),
  };
}

/** `pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "y"`. */
export function refusal(attributes: Attributes, reason: string): Error {
  const { user, verb, path, isResource, group, resource, subresource, namespace, name } = attributes;
  const who = `User ${quoted(user.name)} cannot ${verb}`;
  const tail = reason === "" ? "" : `: ${reason}`;
  if (!isResource) return forbidden(undefined, "", `${who} path ${quoted(path)}${tail}`);
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? " at the cluster scope" : ` in the namespace ${quoted(namespace)}`;
  const message = `${who} resource ${quoted(what)} in API group ${quoted(group)}${where}${tail}`;
  return forbidden({ group, resource }, name, message);
}

/** Nothing that a browser could take for HTML. */
function quoted(text: string): string {
  return quote(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
