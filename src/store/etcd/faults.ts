import { status, type ServiceError } from "@grpc/grpc-js";
import { AccessDeniedError, CorruptStoreError, DiskFullError, InvalidRequestError } from "../errors.ts";
import { StoreError, UnavailableError } from "../errors.ts";

/** etcd's words for what a caller must be able to tell apart; see `errors` in the facts. */
const COMPACTED = "required revision has been compacted";
const FUTURE = "required revision is a future revision";
const NO_LEASE = "requested lease not found";
const BAD_TOKEN = /invalid auth token|revision of auth store is old/;

function grpcError(error: unknown): Partial<ServiceError> {
  return error as Partial<ServiceError>;
}

export function isCompacted(error: unknown): boolean {
  return grpcError(error).details?.includes(COMPACTED) ?? false;
}

export function isFuture(error: unknown): boolean {
  return grpcError(error).details?.includes(FUTURE) ?? false;
}

/** The lease ran out before it was used. */
export function isLeaseGone(error: unknown): boolean {
  return grpcError(error).details?.includes(NO_LEASE) ?? false;
}

/** The token must be fetched again; the call had no effect. */
export function isTokenStale(error: unknown): boolean {
  return BAD_TOKEN.test(grpcError(error).details ?? "");
}

/** Another member, or the same one later, may well answer. */
export function isPassing(error: unknown): boolean {
  const { code } = grpcError(error);
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED || code === status.ABORTED;
}

/** The catalogue's error for what a call that should `action` ended with. */
export function storeFault(action: string, where: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { code, details = "" } = grpcError(error);
  switch (code) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new AccessDeniedError(action, error);
    case status.RESOURCE_EXHAUSTED:
      return details.includes("space exceeded") ? new DiskFullError(where, error) : new UnavailableError(action, error);
    case status.INVALID_ARGUMENT:
      if (/authentication failed|user name is empty/.test(details)) return new AccessDeniedError(action, error);
      return new InvalidRequestError(`cannot ${action}: ${details}`);
    case status.DATA_LOSS:
      return new CorruptStoreError(where, details, error);
    default:
      return new UnavailableError(action, error);
  }
}
