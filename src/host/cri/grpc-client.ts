import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { createConnection } from "node:net";
import { CodedError } from "../../kit/index.ts";

/** gRPC's status codes by number. */
export const GRPC_CODES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
] as const;

export interface GrpcCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** One message, or those of a client stream. */
  readonly message: Uint8Array | AsyncIterable<Uint8Array>;
  /** The server gives up after this many milliseconds. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string>>;
}

type GrpcAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const WINDOW = 8 * 1024 * 1024;
const FRAME_HEAD = 5;

/**
 * Just enough gRPC without TLS: unary calls and server streams over one HTTP/2 connection, opened when
 * first needed and again after it broke. (The full gRPC library costs 60 ms and 20 MB at start.) Failures are
 * {@link CodedError}s whose code is gRPC's (`NotFound`, `Unavailable`, ...); their message is the server's.
 */
export class GrpcClient {
  readonly #address: GrpcAddress;
  #session: ClientHttp2Session | undefined;
  #closed = false;

  /** A Unix socket's path, or a TCP address. */
  constructor(address: string | { readonly host: string; readonly port: number }) {
    this.#address = typeof address === "string" ? { path: address } : address;
  }

  async unary(call: GrpcCall): Promise<Buffer> {
    for await (const message of this.stream(call)) return message;
    throw new CodedError("Internal", `${call.path}: the server ended the call without an answer`);
  }

  /** The messages of a server stream; leaving the loop cancels the call. */
  async *stream(call: GrpcCall): AsyncGenerator<Buffer, void> {
    call.signal?.throwIfAborted();
    const stream = this.#open(call);
    const ended = endOf(stream, call.path);
    ended.catch(() => undefined);
    const onAbort = (): void => stream.close(constants.NGHTTP2_CANCEL);
    call.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (call.message instanceof Uint8Array) stream.end(frame(call.message));
      else void sendAll(stream, call.message);
      let pending: Buffer = Buffer.alloc(0);
      for await (const chunk of chunksOf(stream)) {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        while (pending.length >= FRAME_HEAD) {
          const end = FRAME_HEAD + pending.readUInt32BE(1);
          if (pending.length < end) break;
          const message = pending.subarray(FRAME_HEAD, end);
          pending = pending.subarray(end);
          yield message;
        }
      }
      call.signal?.throwIfAborted();
      await ended;
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw error;
    } finally {
      call.signal?.removeEventListener("abort", onAbort);
      if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  close(): void {
    this.#closed = true;
    this.#session?.destroy();
    this.#session = undefined;
  }

  #open(call: GrpcCall): ClientHttp2Stream {
    if (this.#closed) throw new CodedError("Canceled", `${call.path}: the client is closed`);
    const session = this.#connected();
    return session.request({
      ":method": "POST",
      ":path": call.path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(call.timeoutMs !== undefined && { "grpc-timeout": grpcTimeout(call.timeoutMs) }),
      ...call.metadata,
    });
  }

  #connected(): ClientHttp2Session {
    const current = this.#session;
    if (current && !current.closed && !current.destroyed) return current;
    const session = connect("http://localhost", {
      createConnection: () => createConnection(this.#address),
      settings: { initialWindowSize: WINDOW },
    });
    // Each stream reports the break as its own failure; the session's event only must not crash the process.
    session.on("error", () => undefined);
    session.on("connect", () => session.setLocalWindowSize(WINDOW));
    session.on("goaway", () => session.close());
    this.#session = session;
    return session;
  }
}

/** Sends a client stream as fast as the server takes it; a failing source cancels the call with its error. */
async function sendAll(stream: ClientHttp2Stream, source: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const message of source) {
      if (stream.destroyed || stream.closed) return;
      if (!stream.write(frame(message))) await once(stream);
    }
    stream.end();
  } catch (error) {
    stream.destroy(error as Error);
  }
}

function once(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}

/** Rejects with a coded error unless the call ended with grpc-status 0. */
function endOf(stream: ClientHttp2Stream, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let status: { code: number; message: string } | undefined;
    const note = (headers: Readonly<Record<string, unknown>>): void => {
      const code = headers["grpc-status"];
      if (typeof code !== "string") return;
      const message = headers["grpc-message"];
      status = { code: Number(code), message: typeof message === "string" ? unescapeMessage(message) : "" };
    };
    stream.on("response", note);
    stream.on("trailers", note);
    let failure: Error | undefined;
    stream.on("error", (error) => (failure = error));
    stream.on("close", () => {
      if (status?.code === 0) resolve();
      else if (status) reject(new CodedError(GRPC_CODES[status.code] ?? "Unknown", status.message));
      else reject(unavailable(path, failure));
    });
  });
}

function unavailable(path: string, cause: Error | undefined): CodedError {
  const why = cause?.message ?? "the connection closed";
  return new CodedError("Unavailable", `${path}: ${why}`, cause ? { cause } : {});
}

/** The stream's data, ending quietly when it breaks: {@link endOf} tells how it ended. */
async function* chunksOf(stream: ClientHttp2Stream): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    // Reported by endOf.
  }
}

function frame(message: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(FRAME_HEAD + message.length);
  out[0] = 0;
  out.writeUInt32BE(message.length, 1);
  out.set(message, FRAME_HEAD);
  return out;
}

/** At most eight digits are allowed. */
function grpcTimeout(ms: number): string {
  return ms < 1e8 ? `${Math.max(1, Math.ceil(ms))}m` : `${Math.ceil(ms / 1000)}S`;
}

function unescapeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
