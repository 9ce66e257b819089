import { CodedError, isCoded } from "../kit/index.ts";

/** The code of every {@link CodedError} that says: the server could not be reached, or the connection broke off. */
export const CONNECTION_FAILED = "ConnectionFailed";

/** What a transport throws when there is no answer, or only half of one. */
export function connectionFailed(message: string, cause?: unknown): CodedError {
  return new CodedError(CONNECTION_FAILED, message, { cause });
}

/** Whether the request got no whole answer because of the connection. It may have been carried out. */
export function isConnectionError(error: unknown): boolean {
  return isCoded(error, CONNECTION_FAILED);
}
