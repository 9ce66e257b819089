import { CodedError } from "../../kit/index.ts";
import { CONNECTION_FAILED } from "../connection-error.ts";

const CERTIFICATE_HINTS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is self-signed and not trusted by the configured CA",
  SELF_SIGNED_CERT_IN_CHAIN:
    "the server's certificate was signed by an authority that the configured CA does not include",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the server's certificate was signed by an authority that the configured CA does not include",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the server's certificate was signed by an authority that the configured CA does not include",
  CERT_SIGNATURE_FAILURE: "the server's certificate was not signed by the configured CA",
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
};

/**
 * When a request failed: before there was a connection, `refused` by a server that certainly did not act on it, or later, when it
 * may have been carried out.
 */
export type FailurePhase = "dial" | "refused" | "sent";

/** A connection failure in words: which server, and why. */
export function wireError(server: string, cause: unknown, phase: FailurePhase): CodedError {
  if (cause instanceof CodedError) return cause;
  const root = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const { code, message } = root as Partial<NodeJS.ErrnoException>;
  const why = CERTIFICATE_HINTS[code ?? ""] ?? (message || code || String(root));
  return new CodedError(CONNECTION_FAILED, `cannot reach ${server}: ${why}`, { cause, details: { phase, code } });
}

/** The connection ended before the answer was whole. */
export function brokenOff(server: string, cause?: unknown): CodedError {
  const why = cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
  const details = { phase: "sent" satisfies FailurePhase };
  return new CodedError(CONNECTION_FAILED, `the connection to ${server} broke off${why}`, { cause, details });
}
