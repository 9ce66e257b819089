import type { ClientOptions, RawData } from "ws";
import { WebSocket } from "ws";
import { AsyncQueue } from "../../kit/index.ts";
import { decodeJson } from "../../machinery/index.ts";
import type { ApiSocket } from "../transport.ts";
import { answerError, retryAfterOf } from "./answer.ts";
import { flatHeaders, readAll } from "./exchange.ts";
import { brokenOff, wireError } from "./failures.ts";
import type { TlsParameters } from "./tls-options.ts";

/** Messages that wait for the reader before the sender is held back. */
const HIGH_WATER = 32;

export interface SocketOptions {
  /** `ws:` or `wss:`, with path and query. */
  readonly url: string;
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls?: TlsParameters;
  readonly signal?: AbortSignal;
}

/** Opens a WebSocket; a refusal rejects with the StatusError of the answer. */
export function openSocket(options: SocketOptions): Promise<ApiSocket> {
  const { url, protocols, headers, tls, signal } = options;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...protocols], {
      ...clientOptions(tls),
      headers: headers as Record<string, string>,
      perMessageDeflate: false,
      maxPayload: 0,
    });
    const onAbort = (): void => socket.terminate();
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("close", () => signal?.removeEventListener("abort", onAbort));
    socket.once("open", () => resolve(new WsSocket(socket, url, signal)));
    socket.once("unexpected-response", (_, response) => {
      readAll(response as AsyncIterable<Buffer>)
        .then((bytes) => {
          const flat = flatHeaders(response.headers);
          const json = flat["content-type"]?.includes("json") ?? false;
          const body = json ? decodeJson(bytes) : bytes.toString("utf8");
          reject(answerError("GET", response.statusCode ?? 0, body, retryAfterOf(flat)));
        })
        .catch(reject)
        .finally(() => socket.terminate());
    });
    socket.on("error", (error) => reject(signal?.aborted ? (signal.reason as Error) : wireError(url, error, "sent")));
  });
}

/** The types of `ws` know only part of what it passes on to `tls.connect`. */
function clientOptions(tls: TlsParameters | undefined): ClientOptions {
  return tls ? ({ ...tls, ALPNProtocols: ["http/1.1"] } as ClientOptions) : {};
}

class WsSocket implements ApiSocket {
  readonly protocol: string;
  readonly messages: AsyncIterable<Uint8Array>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, url: string, signal: AbortSignal | undefined) {
    this.#socket = socket;
    this.protocol = socket.protocol;
    const queue = new AsyncQueue<Uint8Array>({ onClose: () => socket.close() });
    this.messages = queue;
    socket.on("message", (data) => {
      queue.push(bytesOf(data));
      if (queue.length < HIGH_WATER || socket.isPaused) return;
      socket.pause();
      // Taken up again once the reader has caught up.
      void (async () => {
        while (queue.length > HIGH_WATER / 2 && !queue.closed) await queue.taken();
        socket.resume();
      })();
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        // 1006: gone without a closing handshake.
        if (signal?.aborted) queue.fail(signal.reason);
        else if (code === 1006) queue.fail(brokenOff(url));
        else queue.close();
        resolve({ code, reason: reason.toString("utf8") });
      });
    });
  }

  send(message: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(message, { binary: true }, (error) =>
        error ? reject(brokenOff(this.#socket.url, error)) : resolve(),
      );
    });
  }

  close(code = 1000, reason?: string): void {
    this.#socket.close(code, reason);
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
