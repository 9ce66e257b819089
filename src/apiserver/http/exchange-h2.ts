import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { readBody } from "./body.ts";
import type { Exchange, Headers, Sink } from "./exchange.ts";
import { drained } from "./exchange-h1.ts";

/** An exchange over one HTTP/2 stream. */
export class Http2Exchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly hasBody: boolean;
  readonly #stream: ServerHttp2Stream;
  readonly #rawHeaders: readonly string[];
  #abort: AbortController | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[], ended: boolean) {
    this.#stream = stream;
    this.#rawHeaders = rawHeaders;
    this.method = String(headers[":method"]);
    this.target = String(headers[":path"]);
    this.headers = headers as Record<string, string | undefined>;
    this.hasBody = !ended;
    // Resets by the client are no faults of ours; what matters of them arrives as "close".
    stream.on("error", () => undefined);
  }

  headerValues(name: string): readonly string[] {
    return this.#rawHeaders.flatMap((value, i) => (i % 2 === 1 && this.#rawHeaders[i - 1] === name ? [value] : []));
  }

  get socket(): TLSSocket {
    return this.#stream.session?.socket as TLSSocket;
  }

  get remoteAddress(): string | undefined {
    return this.#stream.session?.socket.remoteAddress;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = (this.#abort = new AbortController());
      // Not "close", which also comes after a whole answer: an abort costs more than the rest of a small request.
      this.#stream.once("aborted", () => abort.abort());
      if (this.#stream.aborted || this.#stream.destroyed) abort.abort();
    }
    return this.#abort.signal;
  }

  read(limit: number): Promise<Uint8Array> {
    return readBody(this.#stream, this.headers["content-length"], limit);
  }

  send(status: number, headers: Headers, body: Uint8Array): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const head = { ":status": status, ...headers, "content-length": body.length } as OutgoingHttpHeaders;
    if (this.method === "HEAD" || body.length === 0) stream.respond(head, { endStream: true });
    else {
      stream.respond(head);
      stream.end(body);
    }
    if (this.hasBody && !stream.readableEnded) stream.resume();
  }

  stream(status: number, headers: Headers): Sink {
    const stream = this.#stream;
    if (!stream.destroyed && !stream.closed) stream.respond({ ":status": status, ...headers } as OutgoingHttpHeaders);
    return {
      write: (chunk) => stream.destroyed || stream.write(chunk),
      drained: () => drained(stream),
      end: () => void stream.end(),
      destroy: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    };
  }
}
