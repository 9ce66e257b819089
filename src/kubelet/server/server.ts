import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { CodedError, errorText, onceAborted } from "../../kit/index.ts";
import { attributesOf } from "./attributes.ts";
import { HttpError, type Route, type RouteRequest, matchRoute, sendText } from "./http.ts";
import type { Gatekeeper } from "./identity.ts";
import { kubeletRoutes } from "./routes.ts";
import type { ServerSource } from "./source.ts";

export interface ServerOptions {
  readonly address: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** PEM. */
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  readonly gatekeeper: Gatekeeper;
  readonly debugging: boolean;
}

/** The kubelet's HTTPS server. Nobody is anonymous: but for `/healthz`, every path wants a caller who may ask. */
export class KubeletServer {
  readonly #o: ServerOptions;
  readonly #source: ServerSource;
  readonly #routes: readonly Route[];
  readonly #server: Server;
  readonly #upgraded = new Set<Duplex>();
  #stop = new AbortController();

  constructor(options: ServerOptions, source: ServerSource) {
    this.#o = options;
    this.#source = source;
    this.#routes = kubeletRoutes(source, options.debugging);
    const { cert, key, clientCa } = options.tls;
    this.#server = createServer({
      cert,
      key,
      ...(clientCa !== undefined && { ca: clientCa }),
      requestCert: clientCa !== undefined,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
    });
    this.#server.on(
      "request",
      (request: IncomingMessage, response: ServerResponse) => void this.#onRequest(request, response),
    );
    this.#server.on(
      "upgrade",
      (request: IncomingMessage, socket: Duplex, head: Buffer) => void this.#onUpgrade(request, socket, head),
    );
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** Rejects with `ListenFailed` when the port is taken. Resolves with the port. */
  async listen(): Promise<number> {
    const { address, port } = this.#o;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        reject(
          new CodedError("ListenFailed", `kubelet cannot listen on ${address}:${port}: ${cause.message}`, { cause }),
        );
      });
      this.#server.listen(port, address, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Serves until `signal` aborts; then every connection is cut. */
  async run(signal: AbortSignal): Promise<void> {
    await onceAborted(signal);
    this.#stop.abort();
    for (const socket of this.#upgraded) socket.destroy();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const { route, ...matched } = await this.#admit(request);
      if (!route.handle) throw new HttpError(404, "404 page not found");
      await route.handle({ ...matched, request, signal: AbortSignal.any([gone.signal, this.#stop.signal]) }, response);
    } catch (error) {
      if (gone.signal.aborted) return;
      const status = error instanceof HttpError ? error.status : 500;
      if (status === 500)
        this.#source.env.log.warn("Kubelet request failed", { path: request.url, error: errorText(error) });
      if (response.headersSent) response.destroy();
      else sendText(response, status, `${errorText(error)}\n`);
    }
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    try {
      const { route, ...matched } = await this.#admit(request);
      if (!route.upgrade) throw new HttpError(404, "404 page not found");
      await route.upgrade({ ...matched, request, signal: this.#stop.signal }, socket, head);
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 500;
      const body = Buffer.from(`${errorText(error)}\n`);
      const lines = [
        `HTTP/1.1 ${status} Error`,
        "Connection: close",
        "Content-Type: text/plain; charset=utf-8",
        `Content-Length: ${body.length}`,
      ];
      // After a refusal the connection ends: nothing that follows may ride on it.
      socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]));
    }
  }

  /** Who asks, may he, and for what. */
  async #admit(
    request: IncomingMessage,
  ): Promise<{ route: Route } & Pick<RouteRequest, "path" | "parameters" | "query">> {
    const url = new URL(request.url ?? "/", "https://kubelet");
    const path = url.pathname;
    const open = path === "/healthz" || path === "/healthz/ping";
    if (!open) {
      const { gatekeeper } = this.#o;
      const caller = await gatekeeper.authenticate(request.socket as TLSSocket, request.headers.authorization);
      if (!caller) throw new HttpError(401, "Unauthorized");
      const attributes = attributesOf(request.method ?? "GET", path);
      if (!(await gatekeeper.authorize(caller, attributes))) {
        const { verb, subresource } = attributes;
        throw new HttpError(
          403,
          `Forbidden (user=${caller.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresource}])`,
        );
      }
    }
    const matched = matchRoute(this.#routes, path);
    if (!matched) throw new HttpError(404, "404 page not found");
    return { ...matched, path, query: url.searchParams };
  }
}
