import { isCoded } from "../../kit/index.ts";
import { CONNECTION_FAILED } from "../connection-error.ts";
import type { ApiRequest } from "../transport.ts";
import { retryAfterOf } from "./answer.ts";

/** As client-go. */
const MAX_RETRIES = 10;
/** A request that failed without an answer is tried this often, with these waits, ms. */
const CONNECTION_WAITS = [20, 200, 1000];

/**
 * How long to wait, ms, before sending a request again after this answer; undefined when it stands. A refusal with
 * Retry-After (429) means that nothing was done; after other failures only reading is repeated.
 */
export function retryAnswer(
  request: ApiRequest,
  status: number,
  headers: Readonly<Record<string, string>>,
  attempt: number,
): number | undefined {
  const seconds = retryAfterOf(headers);
  if (seconds === undefined || attempt >= MAX_RETRIES) return undefined;
  if (status === 429 || (status >= 500 && request.method === "GET")) return seconds * 1000;
  return undefined;
}

/**
 * The same after a failure without an answer. What the server certainly did not act on is sent again; what it may have acted
 * on only if it was a read. That nobody is there is for the caller to know at once.
 */
export function retryFailure(request: ApiRequest, error: unknown, attempt: number): number | undefined {
  if (!isCoded(error, CONNECTION_FAILED) || error.details["phase"] === "dial") return undefined;
  const repeatable = error.details["phase"] === "refused" || request.method === "GET";
  return repeatable ? CONNECTION_WAITS[attempt] : undefined;
}
