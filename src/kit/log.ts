/** What a log line carries beside its message: names and plain values. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Structured log. The message is a constant sentence without values; whatever varies goes into the fields.
 * An error is either logged or thrown on, never both.
 */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: Fields): Logger;
}

/** Drops every line. */
export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silent,
};
