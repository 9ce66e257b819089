/**
 * How a client reaches an API server. Two implementations, one suite: the network, and the same process.
 * Nothing above this seam can tell which one it has.
 */
export interface Transport {
  /** Sends one request and waits for the whole answer. Answers of 400 and above reject with `StatusError`. */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * Opens a watch (`watch=true` is added). The iterable ends when the server ends the stream, and throws `StatusError`
   * for an answer of 400 and above or an ERROR event, or a connection error when the stream breaks off.
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
