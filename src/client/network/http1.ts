import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { IncomingMessage, RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { chunksOf } from "./chunks.ts";
import type { Exchanger, WireRequest, WireResponse } from "./exchange.ts";
import { flatHeaders } from "./exchange.ts";
import { brokenOff, wireError } from "./failures.ts";
import type { TlsParameters } from "./tls-options.ts";

/** HTTP/1.1 over kept-alive connections, as many as there are requests at a time. `tls` is asked for each new request. */
export class Http1Exchanger implements Exchanger {
  readonly #url: URL;
  readonly #agent: HttpAgent;
  readonly #tls: (() => Promise<TlsParameters>) | undefined;

  constructor(url: URL, tls?: () => Promise<TlsParameters>) {
    this.#url = url;
    this.#tls = tls;
    const options = { keepAlive: true, keepAliveMsecs: 30_000, scheduling: "lifo" } as const;
    this.#agent = tls ? new HttpsAgent(options) : new HttpAgent(options);
  }

  async send(request: WireRequest): Promise<WireResponse> {
    const { method, path, headers, body, signal } = request;
    const options: RequestOptions = {
      method,
      path,
      host: this.#url.hostname.replace(/^\[|\]$/g, ""),
      port: this.#url.port || (this.#tls ? 443 : 80),
      agent: this.#agent,
      headers: { ...headers, host: this.#url.host, ...(body && { "content-length": String(body.length) }) } as Record<
        string,
        string
      >,
    };
    const tls = await this.#tls?.();
    signal?.throwIfAborted();
    const outgoing = tls ? httpsRequest({ ...options, ...tls }) : httpRequest(options);
    const onAbort = (): void => void outgoing.destroy();
    signal?.addEventListener("abort", onAbort, { once: true });
    const done = (): void => signal?.removeEventListener("abort", onAbort);
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.once("response", resolve);
        outgoing.once("error", reject);
        outgoing.end(body);
      });
      // Whatever happens from here on is told by the body.
      outgoing.on("error", () => undefined);
      return {
        status: response.statusCode ?? 0,
        headers: flatHeaders(response.headers),
        body: bodyOf(response, chunksOf(response), this.#url.origin, signal, done),
      };
    } catch (error) {
      done();
      if (signal?.aborted) throw signal.reason;
      throw wireError(this.#url.origin, error, outgoing.socket?.connecting === false ? "sent" : "dial");
    }
  }

  close(): void {
    // Not destroy(), which would also cut what is in use.
    this.#agent.maxFreeSockets = 0;
    for (const idle of Object.values(this.#agent.freeSockets)) {
      for (const socket of idle ?? []) socket.destroy();
    }
  }
}

async function* bodyOf(
  response: IncomingMessage,
  chunks: AsyncIterable<Buffer>,
  server: string,
  signal: AbortSignal | undefined,
  done: () => void,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of chunks) yield chunk;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw brokenOff(server, error);
  } finally {
    done();
    if (!response.complete) response.destroy();
  }
  if (signal?.aborted) throw signal.reason;
  if (!response.complete) throw brokenOff(server);
}
