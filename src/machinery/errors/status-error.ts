import type { metav1 } from "../../api/index.ts";

/** What a constructor says of a status; the rest is the same for all failures. */
export interface Failure {
  readonly code: number;
  readonly reason?: string;
  readonly message: string;
  readonly details?: metav1.StatusDetails;
}

/**
 * A failure as the API reports it. Thrown by the server's layers, rebuilt by clients from an answer, and told apart by
 * the predicates (`isNotFound`, ...), never by its text.
 */
export class StatusError extends Error {
  override readonly name = "StatusError";
  /** Exactly what goes over the wire. */
  readonly status: metav1.Status;

  constructor(status: metav1.Status, options?: ErrorOptions) {
    super(status.message ?? "", options);
    this.status = status;
  }

  /** The HTTP status code. */
  get code(): number {
    return this.status.code ?? 500;
  }

  /** Upstream's machine-readable reason; empty when unknown. */
  get reason(): string {
    return this.status.reason ?? "";
  }
}

/** Builds the error from what differs between failures. */
export function failure(f: Failure, options?: ErrorOptions): StatusError {
  return new StatusError(
    {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: f.message,
      ...(f.reason && { reason: f.reason }),
      ...(f.details && { details: f.details }),
      code: f.code,
    },
    options,
  );
}

/**
 * The error that a decoded `Status` object stands for; undefined when `object` is no Status, or tells of success.
 * The Status is taken over, not copied.
 */
export function statusErrorFrom(object: unknown): StatusError | undefined {
  const status = object as Partial<metav1.Status> | undefined;
  if (typeof status !== "object" || status?.kind !== "Status" || status.status === "Success") return undefined;
  return new StatusError(status as metav1.Status);
}
