import { status, type ServiceError } from "@grpc/grpc-js";
import { AccessDeniedError, CorruptStoreError, DiskFullError, InvalidRequestError } from "../errors.ts";
import { StoreError, UnavailableError } from "../errors.ts";

/** etcd's words for what a caller must be able to tell apart; see `errors` in the facts. */
const COMPACTED = "required revision has been compacted";
const FUTURE = "required revision is a future revision";
const NO_LEASE = "requested lease not found";
const BAD_TOKEN = /invalid auth token|revision of auth store is old/;

/** gRPC's code, and what the server said. */
function grpcError(error: unknown): { readonly code: unknown; readonly said: string } {
  const { code, details } = error as Partial<ServiceError>;
  return { code, said: typeof details === "string" ? details : "" };
}

export function isCompacted(error: unknown): boolean {
  return grpcError(error).said.includes(COMPACTED);
}

export function isFuture(error: unknown): boolean {
  return grpcError(error).said.includes(FUTURE);
}

/** The lease ran out before it was used. */
export function isLeaseGone(error: unknown): boolean {
  return grpcError(error).said.includes(NO_LEASE);
}

/** The token must be fetched again; the call had no effect. */
export function isTokenStale(error: unknown): boolean {
  return BAD_TOKEN.test(grpcError(error).said);
}

/** There was no connection to send the call on, so it had no effect. */
export function wasNotSent(error: unknown): boolean {
  const { code, said } = grpcError(error);
  return code === status.UNAVAILABLE && said.startsWith("No connection established");
}

/** Another member, or the same one later, may well answer. */
export function isPassing(error: unknown): boolean {
  const { code } = grpcError(error);
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.ABORTED;
}

/** The catalogue's error for what a call that should `action` ended with. */
export function storeFault(action: string, where: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { code, said } = grpcError(error);
  switch (code) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new AccessDeniedError(action, error);
    case status.RESOURCE_EXHAUSTED:
      return said.includes("space exceeded") ? new DiskFullError(where, error) : new UnavailableError(action, error);
    case status.INVALID_ARGUMENT:
      if (/authentication failed|user name is empty/.test(said)) return new AccessDeniedError(action, error);
      return new InvalidRequestError(`cannot ${action}: ${said}`);
    case status.DATA_LOSS:
      return new CorruptStoreError(where, said, error);
    default:
      return new UnavailableError(action, error);
  }
}
