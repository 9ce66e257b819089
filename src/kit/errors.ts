/**
 * An error that programs can tell by its `code` (CamelCase, stable, listed by the room that throws it) and that keeps
 * what caused it. `details` carry the values the message speaks of.
 */
export class CodedError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { readonly cause?: unknown; readonly details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CodedError";
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Whether `error` is a {@link CodedError}, of that code when one is given. */
export function isCoded(error: unknown, code?: string): error is CodedError {
  return error instanceof CodedError && (code === undefined || error.code === code);
}

/** One line for people: the message of `error` and, where it says something new, of what caused it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === "" ? error.name : error.message;
  if (error.cause === undefined || error.cause === null) return own;
  const cause = errorText(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}
