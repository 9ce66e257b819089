/**
 * How a client reaches an API server. Two implementations, one suite: the network, and the same process.
 * Nothing above this seam can tell which one it has.
 */
export interface Transport {
  /** Sends one request and waits for the whole answer. Answers of 400 and above reject with `StatusError`. */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * Opens a watch (`watch=true` is added). The iterable ends when the server ends the stream, and throws `StatusError`
   * for an answer of 400 and above or an ERROR event, or a connection error when the stream breaks off. When
   * its signal aborts it ends, or throws the signal's reason as `request` does.
   */
  watch(request: ApiRequest): AsyncIterable<WatchEvent>;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute path without query, every segment already percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object, which the transport encodes; it is the receiver's from here on and must not be changed any more. */
  readonly body?: unknown;
  /** Media type of `body`; default application/json. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The decoded object of a JSON answer, frozen or shared: treat it as immutable. A string for text answers. */
  readonly body: unknown;
}

/** A watch event as the API has it; `object` is immutable. BOOKMARK objects carry only their resourceVersion. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: unknown;
}

/** The raw answer of a streaming request. */
export interface ApiStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Chunks as they arrive; leaving the loop closes the stream. Not reading holds the sender back. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A WebSocket connection to the API server: exec, attach and port-forward. */
export interface ApiSocket {
  /** The subprotocol that the server chose. */
  readonly protocol: string;
  /** Binary messages as they arrive; text ones come as their UTF-8 bytes. Throws when the connection breaks off. */
  readonly messages: AsyncIterable<Uint8Array>;
  /** Resolves once the message was handed to the operating system. */
  send(message: Uint8Array): Promise<void>;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
  /** Resolves when closed, by whichever side. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** A transport that also carries what is no object: logs, proxied answers, exec. */
export interface StreamTransport extends Transport {
  /** Sends a request and gives the answer's bytes as they come; 400 and above reject with `StatusError`. */
  stream(request: ApiRequest): Promise<ApiStream>;
  /** Opens a WebSocket, offering `protocols` in order of preference; a refusal rejects with `StatusError`. */
  connect(request: ApiRequest, protocols: readonly string[]): Promise<ApiSocket>;
  /** Closes idle connections and refuses new ones. Requests under way may end. */
  close(): Promise<void>;
}
