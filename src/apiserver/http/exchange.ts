import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/** Response headers; lists are sent as repeated headers. */
export type Headers = Record<string, string | readonly string[]>;

/**
 * One HTTP request and its answer, the same for HTTP/1.1 and HTTP/2. Exactly one of {@link send} and {@link stream} is
 * called, once.
 */
export interface Exchange {
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** Lower-case names; repeated headers joined as HTTP has it. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** All values of a header that may be repeated. */
  headerValues(name: string): readonly string[];
  readonly socket: TLSSocket | Duplex;
  readonly remoteAddress: string | undefined;
  /** Aborts when the client has gone before the answer was complete. */
  readonly signal: AbortSignal;
  /** Whether a body may follow. */
  readonly hasBody: boolean;
  /** The whole body. Rejects with 413 when it is larger than `limit` bytes. */
  read(limit: number): Promise<Uint8Array>;
  /** A whole answer. */
  send(status: number, headers: Headers, body: Uint8Array): void;
  /** An answer whose body follows. */
  stream(status: number, headers: Headers): Sink;
}

/** The body of an answer as it goes out. */
export interface Sink {
  /** False: wait for {@link drained} before writing more. */
  write(chunk: Uint8Array): boolean;
  /** Resolves once there is room, or the client has gone. */
  drained(): Promise<void>;
  end(): void;
  /** Breaks the stream off so that the client can't take it for complete. */
  destroy(): void;
}
