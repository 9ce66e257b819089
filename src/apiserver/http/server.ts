import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Env, errorText } from "../../kit/index.ts";
import { internalError, StatusError, timeout } from "../../machinery/index.ts";
import type { Chain, Handled } from "../chain/chain.ts";
import { Negotiator, PLAIN, type Representation } from "../encoding/representation.ts";
import { Query } from "../request/query.ts";
import type { Body, ServerRequest } from "../request/types.ts";
import type { Credentials } from "../seams/index.ts";
import { PeerIdentities, type PeerIdentity } from "./certificate.ts";
import type { Exchange } from "./exchange.ts";
import { listen, type Listener, type ListenOptions } from "./listener.ts";
import { Responder } from "./responder.ts";
import { noUpgradeHere, refuseUpgrade, UpgradeExchange } from "./upgrade.ts";

/** Serves the chain on a network address. */
export async function serveHttp(chain: Chain, env: Env, options: ListenOptions): Promise<Listener> {
  const edge = new HttpEdge(chain, env, new PeerIdentities(options.frontProxyCa));
  return listen(options, edge, env.clock);
}

/** What the chain needs of a request, upgrade or not. */
type Incoming = Omit<Exchange, "send" | "stream">;

/** Turns exchanges into requests of the chain, and its answers into responses. */
class HttpEdge {
  readonly #chain: Chain;
  readonly #env: Env;
  readonly #peers: PeerIdentities;
  readonly #responder: Responder;
  readonly #negotiator = new Negotiator();

  constructor(chain: Chain, env: Env, peers: PeerIdentities) {
    this.#chain = chain;
    this.#env = env;
    this.#peers = peers;
    this.#responder = new Responder(env.clock);
  }

  serve(exchange: Exchange): void {
    this.#serve(exchange).catch((error: unknown) => this.#broken(exchange, error));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const exchange = new UpgradeExchange(request, socket);
    this.#upgrade(exchange, head).catch((error: unknown) => {
      if (!(error instanceof StatusError)) this.#env.log.error("An upgrade failed", { error: errorText(error) });
      refuseUpgrade(socket, error instanceof StatusError ? error : internalError(errorText(error)));
    });
  }

  async #upgrade(exchange: UpgradeExchange, head: Buffer): Promise<void> {
    const peer = this.#peers.of(exchange.socket);
    const { answer } = await this.#chain.handle(new UpgradeRequest(exchange, peer, () => undefined));
    if (answer.type === "upgrade") return answer.take({ ...exchange.connection, head });
    if (answer.type === "watch") answer.watcher.end();
    throw noUpgradeHere();
  }

  async #serve(exchange: Exchange): Promise<void> {
    let representation: Representation = PLAIN;
    const request = this.#request(exchange, (protobuf) => {
      representation = this.#negotiator.negotiate(exchange.headers["accept"], protobuf);
      if (isForPeople(exchange)) representation = { ...representation, pretty: true };
    });
    const handled = await this.#inTime(this.#chain.handle(request, true), exchange);
    await this.#responder.answer(exchange, handled, representation);
  }

  #request(exchange: Incoming, negotiate: (protobuf: boolean) => void): HttpRequest {
    return new HttpRequest(exchange, this.#peers.of(exchange.socket), negotiate);
  }

  /** Rejects with 504 when the chain takes too long; a watch that comes late is ended. */
  #inTime(handling: Promise<Handled>, exchange: Exchange): Promise<Handled> {
    const limit = timeoutOf(exchange.target);
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = this.#env.clock.setTimer(limit, () => {
        late = true;
        reject(timeout("request did not complete within the allotted timeout"));
      });
      handling.then(
        (handled) => {
          timer.cancel();
          if (late && handled.answer.type === "watch") handled.answer.watcher.end();
          resolve(handled);
        },
        (error: Error) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  }

  #broken(exchange: Exchange, error: unknown): void {
    if (error instanceof StatusError) return this.#responder.failure(exchange, error);
    this.#env.log.error("An answer could not be sent", { target: exchange.target, error: errorText(error) });
    try {
      this.#responder.failure(exchange, internalError(errorText(error)));
    } catch {
      exchange.socket.destroy();
    }
  }
}

/** A request of the network. */
class HttpRequest implements ServerRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Query;
  readonly headers: ServerRequest["headers"];
  readonly credentials: Credentials;
  readonly negotiate: (protobuf: boolean) => void;
  readonly #exchange: Incoming;

  constructor(exchange: Incoming, peer: PeerIdentity, negotiate: (protobuf: boolean) => void) {
    const { target, headers } = exchange;
    const mark = target.indexOf("?");
    this.#exchange = exchange;
    this.method = exchange.method;
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? Query.empty : Query.parse(target.slice(mark + 1));
    this.headers = headers;
    this.credentials = { headers, ...peer };
    this.negotiate = negotiate;
  }

  get body(): Body {
    const exchange = this.#exchange;
    if (!exchange.hasBody) return { kind: "none" };
    const contentType = exchange.headers["content-type"] ?? "";
    return { kind: "bytes", contentType, read: (limit) => exchange.read(limit) };
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  get remoteAddress(): string {
    return this.#exchange.remoteAddress ?? "";
  }

  headerValues(name: string): readonly string[] {
    return this.#exchange.headerValues(name);
  }
}

/** A request that asks to leave HTTP. */
class UpgradeRequest extends HttpRequest {
  readonly upgrade = true;
}

/** As upstream's --request-timeout, ms. */
const REQUEST_TIMEOUT = 60_000;

/** What the request allows itself, up to the server's limit. */
function timeoutOf(target: string): number {
  if (!target.includes("timeout=")) return REQUEST_TIMEOUT;
  const text = /[?&]timeout=([^&]*)/.exec(target)?.[1];
  if (text === undefined) return REQUEST_TIMEOUT;
  const asked = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
  if (!asked) return REQUEST_TIMEOUT;
  const unit = { ms: 1, s: 1000, m: 60_000 }[asked[2] ?? "s"] ?? 1000;
  return Math.min(REQUEST_TIMEOUT, Number(asked[1]) * unit);
}

/** Browsers and curl get indented JSON unless they ask otherwise. */
function isForPeople(exchange: Exchange): boolean {
  const { target } = exchange;
  const pretty = target.includes("pretty=") ? /[?&]pretty=([^&]*)/.exec(target)?.[1] : undefined;
  if (pretty !== undefined) return pretty !== "false" && pretty !== "0";
  return /^(curl|Wget|Mozilla)\//.test(exchange.headers["user-agent"] ?? "");
}
