import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { connect, constants } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../../kit/index.ts";
import { chunksOf } from "./chunks.ts";
import type { Exchanger, WireRequest, WireResponse } from "./exchange.ts";
import { flatHeaders } from "./exchange.ts";
import { brokenOff, wireError } from "./failures.ts";

/** A stream's window: what the server may send ahead of a slow reader. */
const STREAM_WINDOW = 1024 * 1024;
/** All streams of a connection together; the default of 64 KiB stalls many watches on one connection. */
const CONNECTION_WINDOW = 64 * 1024 * 1024;
/** A connection with open streams is asked for a sign of life this often, and given up after this long without, ms. */
const PING_EVERY = 30_000;
const PING_TIMEOUT = 15_000;

interface Session {
  readonly http: ClientHttp2Session;
  limit: number;
  open: number;
  leaving: boolean;
}

/** HTTP/2 over as few connections as the server's limit of streams allows. */
export class Http2Exchanger implements Exchanger {
  readonly #origin: string;
  readonly #dial: () => Promise<TLSSocket>;
  readonly #clock: Clock;
  readonly #sessions = new Set<Session>();
  #dialing: Promise<Session> | undefined;

  /** `dial` gives a TLS connection on which HTTP/2 was agreed; `first` is used before it is called. */
  constructor(origin: string, dial: () => Promise<TLSSocket>, clock: Clock, first: TLSSocket) {
    this.#origin = origin;
    this.#dial = dial;
    this.#clock = clock;
    this.#adopt(first);
  }

  async send(request: WireRequest): Promise<WireResponse> {
    const session = await this.#reserve();
    const stream = this.#open(session, request);
    stream.once("close", () => this.#count(session, -1));
    const { signal } = request;
    const onAbort = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal?.addEventListener("abort", onAbort, { once: true });
    stream.once("close", () => signal?.removeEventListener("abort", onAbort));
    try {
      const headers = await responseHeaders(stream);
      return {
        status: Number(headers[":status"]),
        headers: flatHeaders(headers as Record<string, string | string[] | undefined>),
        body: bodyOf(stream, chunksOf(stream), this.#origin, signal),
      };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) throw wireError(this.#origin, error, "refused");
      throw error === undefined ? brokenOff(this.#origin) : wireError(this.#origin, error, "sent");
    }
  }

  close(): void {
    for (const session of this.#sessions) session.http.close();
  }

  #open(session: Session, { method, path, headers, body, signal }: WireRequest): ClientHttp2Stream {
    try {
      signal?.throwIfAborted();
      const all = { ...headers, ":method": method, ":path": path } as OutgoingHttpHeaders;
      const stream = session.http.request(all, { endStream: body === undefined });
      // Errors are told by the answer or its body.
      stream.on("error", () => undefined);
      if (body) stream.end(body);
      return stream;
    } catch (error) {
      this.#count(session, -1);
      if (signal?.aborted) throw error;
      session.leaving = true;
      throw wireError(this.#origin, error, "refused");
    }
  }

  /** A connection with room for one stream more, which is counted at once. */
  async #reserve(): Promise<Session> {
    for (;;) {
      for (const session of this.#sessions) {
        if (session.leaving || session.open >= session.limit) continue;
        this.#count(session, 1);
        return session;
      }
      this.#dialing ??= this.#dial()
        .then((socket) => this.#adopt(socket))
        .finally(() => (this.#dialing = undefined));
      await this.#dialing;
    }
  }

  #adopt(socket: TLSSocket): Session {
    const http = connect(this.#origin, {
      createConnection: () => socket,
      maxSessionMemory: 1000,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
    });
    const session: Session = { http, limit: 100, open: 0, leaving: false };
    const leave = (): void => void (session.leaving = true);
    let pinging: Timer | undefined;
    const ping = (): void => {
      pinging = this.#clock.setTimer(PING_EVERY, () => (session.open > 0 ? this.#ping(session, ping) : ping()));
    };
    http.on("error", leave);
    http.on("goaway", leave);
    http.on("connect", () => http.setLocalWindowSize(CONNECTION_WINDOW));
    http.on("remoteSettings", ({ maxConcurrentStreams }) => (session.limit = maxConcurrentStreams ?? session.limit));
    http.on("close", () => {
      leave();
      pinging?.cancel();
      this.#sessions.delete(session);
    });
    this.#sessions.add(session);
    http.unref();
    ping();
    return session;
  }

  #ping(session: Session, next: () => void): void {
    const { http } = session;
    const deadline = this.#clock.setTimer(PING_TIMEOUT, () => http.destroy(brokenOff(this.#origin)));
    const sent = http.ping(() => {
      deadline.cancel();
      if (!http.destroyed) next();
    });
    if (!sent) deadline.cancel();
  }

  /** A connection without requests does not keep the process alive. */
  #count(session: Session, change: 1 | -1): void {
    session.open += change;
    if (session.open === 0) session.http.unref();
    else if (session.open === 1 && change === 1) session.http.ref();
  }
}

function responseHeaders(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once("response", resolve);
    stream.once("error", reject);
    stream.once("close", () => reject(undefined));
  });
}

async function* bodyOf(
  stream: ClientHttp2Stream,
  chunks: AsyncIterable<Buffer>,
  server: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  let ended = false;
  try {
    for await (const chunk of chunks) yield chunk;
    ended = true;
    // A stream that was reset ends like one that is whole.
    if (!stream.aborted && (stream.rstCode ?? 0) === constants.NGHTTP2_NO_ERROR) return;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw brokenOff(server, error);
  } finally {
    if (!ended && !stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  }
  if (signal?.aborted) throw signal.reason;
  throw brokenOff(server);
}
