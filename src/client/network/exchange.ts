/** A request as it goes onto a connection. */
export interface WireRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

/** An answer whose body is still to be read. */
export interface WireResponse {
  readonly status: number;
  /** Lower-case names; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Throws `ConnectionFailed` when the answer ends before it is whole, and the signal's reason when that aborts. Leaving the loop
   * ends the exchange; not reading holds the server back.
   */
  readonly body: AsyncIterable<Buffer>;
}

/**
 * Connections of one protocol to one server. A failure before the answer's headers is a `ConnectionFailed` error, whose
 * `details.unprocessed` is true when the server certainly did not act on the request.
 */
export interface Exchanger {
  send(request: WireRequest): Promise<WireResponse>;
  /** Lets requests under way end; idle connections are closed. */
  close(): void;
}

/** Header values as one string each. */
export function flatHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    flat[name] = typeof value === "string" ? value : value.join(", ");
  }
  return flat;
}

/** All of a body. */
export async function readAll(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
