import { StatusError } from "./status-error.ts";

const KNOWN = new Set(
  (
    "Unauthorized Forbidden NotFound AlreadyExists Conflict Gone Invalid ServerTimeout StoreReadError Timeout TooManyRequests BadRequest " +
    "MethodNotAllowed NotAcceptable RequestEntityTooLarge UnsupportedMediaType InternalError Expired ServiceUnavailable"
  ).split(" "),
);

/** True for the reason, and for the code alone when the reason says nothing that we know (foreign servers). */
function is(error: unknown, reason: string, code?: number): boolean {
  const found = statusErrorIn(error);
  if (!found) return false;
  if (found.reason === reason) return true;
  return code !== undefined && found.code === code && !KNOWN.has(found.reason);
}

/** The StatusError that `error` is, or has as its cause at any depth. */
export function statusErrorIn(error: unknown): StatusError | undefined {
  for (let e = error, depth = 0; e instanceof Error && depth < 16; e = e.cause, depth++) {
    if (e instanceof StatusError) return e;
  }
  return undefined;
}

/** The reason of the failure; empty for anything but a {@link StatusError}. */
export function reasonOf(error: unknown): string {
  return statusErrorIn(error)?.reason ?? "";
}

/** 404. */
export const isNotFound = (e: unknown): boolean => is(e, "NotFound", 404);
/** 409, the name is taken. */
export const isAlreadyExists = (e: unknown): boolean => is(e, "AlreadyExists");
/** 409, somebody else was faster, or owns the field. */
export const isConflict = (e: unknown): boolean => is(e, "Conflict", 409);
/** 422. */
export const isInvalid = (e: unknown): boolean => is(e, "Invalid", 422);
/** 410, history or a continue token is too old: list anew. Reason Gone counts too. */
export const isExpired = (e: unknown): boolean => is(e, "Expired") || is(e, "Gone", 410);
/** 403. */
export const isForbidden = (e: unknown): boolean => is(e, "Forbidden", 403);
/** 401. */
export const isUnauthorized = (e: unknown): boolean => is(e, "Unauthorized", 401);
/** 400. */
export const isBadRequest = (e: unknown): boolean => is(e, "BadRequest", 400);
/** 504. */
export const isTimeout = (e: unknown): boolean => is(e, "Timeout", 504);
/** 500, transient. */
export const isServerTimeout = (e: unknown): boolean => is(e, "ServerTimeout");
/** 429. */
export const isTooManyRequests = (e: unknown): boolean =>
  is(e, "TooManyRequests", 429) || statusErrorIn(e)?.code === 429;
/** 405. */
export const isMethodNotSupported = (e: unknown): boolean => is(e, "MethodNotAllowed", 405);
/** 406. */
export const isNotAcceptable = (e: unknown): boolean => is(e, "NotAcceptable", 406);
/** 415. */
export const isUnsupportedMediaType = (e: unknown): boolean => is(e, "UnsupportedMediaType", 415);
/** 413. */
export const isRequestTooLarge = (e: unknown): boolean =>
  is(e, "RequestEntityTooLarge", 413) || statusErrorIn(e)?.code === 413;
/** 500. */
export const isInternalError = (e: unknown): boolean => is(e, "InternalError", 500);
/** 503. */
export const isServiceUnavailable = (e: unknown): boolean => is(e, "ServiceUnavailable", 503);

/** Whether the failure carries a cause of this type, such as `NamespaceTerminating` or `ResourceVersionTooLarge`. */
export function hasCause(error: unknown, type: string): boolean {
  return statusErrorIn(error)?.status.details?.causes?.some((c) => c.reason === type) ?? false;
}

/** The seconds after which the server asks to try again; undefined when it does not suggest to. */
export function suggestsDelay(error: unknown): number | undefined {
  const found = statusErrorIn(error);
  const seconds = found?.status.details?.retryAfterSeconds ?? 0;
  if (!found) return undefined;
  if (found.reason === "Timeout" || found.reason === "TooManyRequests" || found.reason === "ServerTimeout")
    return seconds;
  return seconds > 0 ? seconds : undefined;
}
