import type { Resource } from "../../api/index.ts";
import type { UserInfo } from "./identity.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** An object as the server handles it before it is stored: plain JSON, private to this request, free to change. */
export type ApiObject = {
  kind: string;
  apiVersion: string;
  metadata: Record<string, unknown> & { name?: string; namespace?: string };
  [field: string]: unknown;
};

/** One write on its way in, as admission sees it. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly resource: Resource;
  readonly subresource: string;
  readonly name: string;
  readonly namespace: string;
  readonly operation: Operation;
  readonly user: UserInfo;
  /** The new object; absent for DELETE. Mutating plugins change it in place. */
  readonly object?: ApiObject;
  /** What is stored now; absent for CREATE. Never change it. */
  readonly oldObject?: ApiObject;
  readonly options: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  /** Adds a `Warning:` header to the answer. */
  warn(message: string): void;
  /** Adds an annotation to the request's audit event. */
  annotate(key: string, value: string): void;
}

/**
 * One admission plugin: built-in ones and users' alike. `admit` may change the object and runs first, for all plugins
 * in order; `validate` may only refuse. Both refuse by throwing `StatusError` (usually `forbidden`).
 */
export interface Admission {
  readonly name: string;
  handles(operation: Operation, resource: Resource, subresource: string): boolean;
  admit?(request: AdmissionRequest, signal?: AbortSignal): void | Promise<void>;
  validate?(request: AdmissionRequest, signal?: AbortSignal): void | Promise<void>;
}
