import { StatusError, quote, statusErrorFrom } from "../../machinery/index.ts";

/** What is said of an answer that carries no Status of its own: reason and message by code, as client-go has them. */
const BY_CODE: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ["BadRequest", "the server rejected our request for an unknown reason"],
  401: ["Unauthorized", "the server has asked for the client to provide credentials"],
  403: ["Forbidden", ""],
  404: ["NotFound", "the server could not find the requested resource"],
  405: ["MethodNotAllowed", "the server does not allow this method on the requested resource"],
  406: ["NotAcceptable", "the server was unable to respond with a content type that the client supports"],
  409: ["Conflict", "the server reported a conflict"],
  415: ["UnsupportedMediaType", ""],
  422: ["Invalid", "the server rejected our request due to an error in our request"],
  429: ["TooManyRequests", "the server has received too many requests and has asked us to try again later"],
  503: ["ServiceUnavailable", "the server is currently unable to handle the request"],
  504: [
    "Timeout",
    "the server was unable to return a response in the time allotted, but may still be processing the request",
  ],
};

/** The error that an answer of 400 and above stands for. `body` is the decoded object, or text. */
export function answerError(method: string, code: number, body: unknown, retryAfter: number | undefined): StatusError {
  const status = statusErrorFrom(body);
  if (status) return status.status.code ? status : new StatusError({ ...status.status, code });
  const text = typeof body === "string" ? body.trim().slice(0, 2048) : "";
  const details = {
    ...(text !== "" && { causes: [{ reason: "UnexpectedServerResponse", message: text }] }),
    ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }),
  };
  const [reason, message] = describe(method, code, text);
  const error = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, details, code };
  return new StatusError(error);
}

function describe(method: string, code: number, text: string): readonly [reason: string, message: string] {
  const known = BY_CODE[code];
  if (known) return [code === 409 && method === "POST" ? "AlreadyExists" : known[0], known[1] || text || "unknown"];
  if (code >= 500) {
    return [
      "InternalError",
      `an error on the server (${quote(text || "unknown")}) has prevented the request from succeeding`,
    ];
  }
  return ["", `the server responded with the status code ${code} but did not return more information`];
}

/** The seconds of a Retry-After header; undefined when there is none. */
export function retryAfterOf(headers: Readonly<Record<string, string>>): number | undefined {
  const seconds = Number.parseInt(headers["retry-after"] ?? "", 10);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
