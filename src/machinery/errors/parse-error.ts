/** A text (selector, quantity, duration, document, ...) that does not follow its grammar. The message says where and why. */
export class ParseError extends Error {
  readonly code = "ParseError";
  override readonly name = "ParseError";
}
