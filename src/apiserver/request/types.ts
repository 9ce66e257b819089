import type { Credentials, UserInfo } from "../seams/index.ts";
import type { RequestInfo } from "./info.ts";
import type { Query } from "./query.ts";

/** The body of a request: nothing, bytes still to be read, or (in process) an object that needs no decoding. */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "object"; readonly value: unknown; readonly contentType: string }
  /** `read` rejects with 413 when the body is larger than `limit` bytes. */
  | { readonly kind: "bytes"; readonly contentType: string; read(limit: number): Promise<Uint8Array> };

/** A request as the chain sees it, whatever transport brought it. */
export interface ServerRequest {
  /** Upper case. */
  readonly method: string;
  /** Absolute path, percent-encoded, without query. */
  readonly path: string;
  readonly query: Query;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** All values of a header that may be repeated, where the transport can tell them apart. */
  headerValues?(name: string): readonly string[];
  readonly body: Body;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  /** Who asks, when the transport already knows; else {@link credentials} say. */
  readonly user?: UserInfo;
  readonly credentials?: Credentials;
  /** The client asks to leave HTTP for another protocol. */
  readonly upgrade?: boolean;
  /** Throws 406 when the client accepts nothing that we produce. `protobuf`: what it asks for has that form. */
  negotiate?(protobuf: boolean): void;
  /** The peer's address, for audit and proxying; absent in process. */
  readonly remoteAddress?: string;
}

/** One request on its way through the server: what the steps of the chain found out about it. */
export interface RequestContext {
  readonly request: ServerRequest;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  /** The request's id in logs, audit and the `Audit-Id` header. */
  readonly auditId: string;
  readonly signal: AbortSignal;
  /** When the request arrived, ms since the epoch. */
  readonly now: number;
  readonly warnings: readonly string[];
  /** Adds a `Warning:` header to the answer; the same text is sent once. */
  warn(message: string): void;
  /** Adds an annotation to the audit event. */
  annotate(key: string, value: string): void;
}
