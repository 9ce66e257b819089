import type { UserInfo } from "./identity.ts";

/** What is asked: the attributes of a request, resource or path. */
export interface Attributes {
  readonly user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection, proxy verbs, or a lower-case HTTP method for paths. */
  readonly verb: string;
  readonly path: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export type Decision = "allow" | "deny" | "no opinion";

export interface Verdict {
  readonly decision: Decision;
  readonly reason?: string;
  readonly error?: string;
}

/** Asked in order until one allows or denies. Only webhook authorizers answer with a promise. */
export interface Authorizer {
  readonly name: string;
  authorize(attributes: Attributes, signal?: AbortSignal): Verdict | Promise<Verdict>;
}
