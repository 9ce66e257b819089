import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { readBody } from "./body.ts";
import type { Exchange, Headers, Sink } from "./exchange.ts";

/** An exchange over HTTP/1.1. */
export class Http1Exchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #abort: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? "GET";
    this.target = request.url ?? "/";
    this.headers = request.headers as Record<string, string | undefined>;
  }

  headerValues(name: string): readonly string[] {
    return this.#request.headersDistinct[name] ?? [];
  }

  get socket(): IncomingMessage["socket"] {
    return this.#request.socket;
  }

  get remoteAddress(): string | undefined {
    return this.#request.socket.remoteAddress;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = (this.#abort = new AbortController());
      this.#response.once("close", () => {
        if (!this.#response.writableEnded) abort.abort();
      });
      if (this.#response.destroyed) abort.abort();
    }
    return this.#abort.signal;
  }

  get hasBody(): boolean {
    const { headers } = this;
    return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
  }

  read(limit: number): Promise<Uint8Array> {
    return readBody(this.#request, this.headers["content-length"], limit);
  }

  send(status: number, headers: Headers, body: Uint8Array): void {
    this.#discardBody(status);
    this.#response.writeHead(status, { ...headers, "content-length": String(body.length) } as OutgoingHttpHeaders);
    this.#response.end(this.method === "HEAD" ? undefined : body);
  }

  stream(status: number, headers: Headers): Sink {
    const response = this.#response;
    response.writeHead(status, headers as OutgoingHttpHeaders);
    response.flushHeaders();
    return {
      write: (chunk) => response.write(chunk),
      drained: () => drained(response),
      end: () => void response.end(),
      destroy: () => void response.destroy(),
    };
  }

  /** A body that nobody read would be taken for the next request: close the connection behind a large one. */
  #discardBody(status: number): void {
    if (this.#request.readableEnded || !this.hasBody) return;
    if (status === 413) this.#response.shouldKeepAlive = false;
    this.#request.resume();
  }
}

/** Resolves when a writable has room again, or is gone. */
export function drained(
  stream: NodeJS.WritableStream & { writableNeedDrain?: boolean; destroyed?: boolean },
): Promise<void> {
  if (stream.writableNeedDrain !== true || stream.destroyed === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
