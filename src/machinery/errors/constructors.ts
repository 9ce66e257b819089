import type { metav1 } from "../../api/index.ts";
import { errorBody, errorText, type FieldError } from "../field/error.ts";
import { quote } from "./quote.ts";
import { failure, type StatusError } from "./status-error.ts";

/** What an error names: a {@link Resource} does. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** What a validation error names: a {@link Resource} does. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

function qualified(group: string, name: string): string {
  return group === "" ? name : `${name}.${group}`;
}

function detailsOf(r: GroupResource, name: string, more?: Partial<metav1.StatusDetails>): metav1.StatusDetails {
  return {
    ...(name && { name }),
    ...(r.group && { group: r.group }),
    ...(r.resource && { kind: r.resource }),
    ...more,
  };
}

/** 404: `pods "x" not found`. */
export function notFound(r: GroupResource, name: string): StatusError {
  const message = `${qualified(r.group, r.resource)} ${quote(name)} not found`;
  return failure({ code: 404, reason: "NotFound", details: detailsOf(r, name), message });
}

/** 409: `pods "x" already exists`. */
export function alreadyExists(r: GroupResource, name: string): StatusError {
  const message = `${qualified(r.group, r.resource)} ${quote(name)} already exists`;
  return failure({ code: 409, reason: "AlreadyExists", details: detailsOf(r, name), message });
}

/** 409 with `Retry-After`: every name made up from `generateName` was taken. */
export function generateNameConflict(r: GroupResource, name: string, retryAfterSeconds: number): StatusError {
  const message = `${qualified(r.group, r.resource)} ${quote(name)} already exists, the server was not able to generate a unique name for the object`;
  return failure({ code: 409, reason: "AlreadyExists", details: detailsOf(r, name, { retryAfterSeconds }), message });
}

/** What upstream says when a resourceVersion is stale; the usual `message` of {@link conflict}. */
export const OBJECT_MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

/** 409: `Operation cannot be fulfilled on pods "x": <message>`. */
export function conflict(r: GroupResource, name: string, message: string = OBJECT_MODIFIED): StatusError {
  const text = `Operation cannot be fulfilled on ${qualified(r.group, r.resource)} ${quote(name)}: ${message}`;
  return failure({ code: 409, reason: "Conflict", details: detailsOf(r, name), message: text });
}

/** 409 of server-side apply: one cause a field that another manager owns. */
export function applyConflict(causes: metav1.StatusCause[], message: string): StatusError {
  return failure({ code: 409, reason: "Conflict", details: { causes }, message });
}

/** 422: `Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: ...`; several are listed in brackets. */
export function invalid(gk: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map((e) => ({ reason: e.type, message: errorBody(e), field: e.field }));
  const texts = [...new Set(errors.map(errorText))];
  const list = texts.length === 1 ? `: ${texts[0]}` : texts.length > 1 ? `: [${texts.join(", ")}]` : "";
  return failure({
    code: 422,
    reason: "Invalid",
    details: {
      ...(name && { name }),
      ...(gk.group && { group: gk.group }),
      ...(gk.kind && { kind: gk.kind }),
      ...(causes.length > 0 && { causes }),
    },
    message: `${qualified(gk.group, gk.kind)} ${quote(name)} is invalid${list}`,
  });
}

/** 403: `pods "x" is forbidden: <message>`; without a name `pods is forbidden: ...`; without a resource `forbidden: ...`. */
export function forbidden(r: GroupResource | undefined, name: string, message: string): StatusError {
  const resource = r ? qualified(r.group, r.resource) : "";
  const head =
    resource === ""
      ? "forbidden"
      : name === ""
        ? `${resource} is forbidden`
        : `${resource} ${quote(name)} is forbidden`;
  const details = detailsOf(r ?? { group: "", resource: "" }, name);
  return failure({ code: 403, reason: "Forbidden", details, message: `${head}: ${message}` });
}

/** 400. */
export function badRequest(message: string): StatusError {
  return failure({ code: 400, reason: "BadRequest", message });
}

/** 401. */
export function unauthorized(message: string = "Unauthorized"): StatusError {
  return failure({ code: 401, reason: "Unauthorized", message });
}

/** 429 with `Retry-After`. */
export function tooManyRequests(message: string, retryAfterSeconds?: number): StatusError {
  const details = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } };
  return failure({ code: 429, reason: "TooManyRequests", message, ...details });
}

/** 410 with reason Expired: the resourceVersion or continue token is older than what is kept. */
export function expired(message: string): StatusError {
  return failure({ code: 410, reason: "Expired", message });
}

/** 410 with reason Gone. */
export function gone(message: string): StatusError {
  return failure({ code: 410, reason: "Gone", message });
}

/** 504: `Timeout: <message>`. The operation may still complete. */
export function timeout(message: string, retryAfterSeconds = 0): StatusError {
  const details = { ...(retryAfterSeconds > 0 && { retryAfterSeconds }) };
  return failure({ code: 504, reason: "Timeout", message: `Timeout: ${message}`, details });
}

/** 504 for a resourceVersion that the server has not seen yet; clients retry by the cause. */
export function tooLargeResourceVersion(asked: number, current: number, retryAfterSeconds: number): StatusError {
  const message = `Too large resource version: ${asked}, current: ${current}`;
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return failure({
    code: 504,
    reason: "Timeout",
    message: `Timeout: ${message}`,
    details: { causes, retryAfterSeconds },
  });
}

/** 500 with reason ServerTimeout: transient, the client should try again. */
export function serverTimeout(r: GroupResource, operation: string, retryAfterSeconds: number): StatusError {
  const message = `The ${operation} operation against ${qualified(r.group, r.resource)} could not be completed at this time, please try again.`;
  const more = retryAfterSeconds > 0 ? { retryAfterSeconds } : {};
  return failure({ code: 500, reason: "ServerTimeout", details: detailsOf(r, operation, more), message });
}

/** 405: `<action> is not supported on resources of kind "pods"`. */
export function methodNotSupported(r: GroupResource, action: string): StatusError {
  const message = `${action} is not supported on resources of kind ${quote(qualified(r.group, r.resource))}`;
  return failure({ code: 405, reason: "MethodNotAllowed", details: detailsOf(r, ""), message });
}

/** 406, naming what the server can produce. */
export function notAcceptable(accepted: readonly string[]): StatusError {
  const message = `only the following media types are accepted: ${accepted.join(", ")}`;
  return failure({ code: 406, reason: "NotAcceptable", message });
}

/** 415, naming what the server can read. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return failure({ code: 415, reason: "UnsupportedMediaType", message });
}

/** 413: `Request entity too large: <message>`. */
export function requestTooLarge(message: string): StatusError {
  return failure({ code: 413, reason: "RequestEntityTooLarge", message: `Request entity too large: ${message}` });
}

/** 500: `Internal error occurred: <cause>`. */
export function internalError(cause: unknown): StatusError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return failure(
    {
      code: 500,
      reason: "InternalError",
      details: { causes: [{ message }] },
      message: `Internal error occurred: ${message}`,
    },
    { cause },
  );
}

/** 503. */
export function serviceUnavailable(message: string): StatusError {
  return failure({ code: 503, reason: "ServiceUnavailable", message });
}
