import type { IncomingMessage, ServerResponse } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../kit/index.ts";
import type { Exchange } from "./exchange.ts";
import { Http1Exchange } from "./exchange-h1.ts";
import { Http2Exchange } from "./exchange-h2.ts";

/** Where to listen, and with which papers. */
export interface ListenOptions {
  readonly host?: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM: our certificate, with its chain, and its key. */
  readonly cert: string;
  readonly key: string;
  /** PEM of the CAs that client certificates may be from; absent: no client certificates are asked for. */
  readonly clientCa?: string;
  /** PEM of the CAs whose clients may speak for others by header. */
  readonly frontProxyCa?: string;
}

/** What the listener hands its connections to. */
export interface Handlers {
  serve(exchange: Exchange): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** A listening server. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Takes new papers for connections to come. */
  renew(papers: Pick<ListenOptions, "cert" | "key" | "clientCa">): void;
  /** Accepts nothing new, lets what is under way finish, and closes what is left after `grace` ms. */
  close(grace: number): Promise<void>;
}

/** Upstream's limit is 250 as well; clients open another connection when they need more. */
const MAX_STREAMS = 250;
/** Megabytes a session may buffer: Node's default of 10 fails a few dozen large lists on one connection. */
const MAX_SESSION_MEMORY = 1000;

/** Listens for TLS with HTTP/2 and HTTP/1.1. Rejects when the address is taken. */
export async function listen(options: ListenOptions, handlers: Handlers, clock: Clock): Promise<Listener> {
  const ca = [options.clientCa, options.frontProxyCa].filter((pem) => pem !== undefined);
  const server = createSecureServer({
    allowHTTP1: true,
    cert: options.cert,
    key: options.key,
    ...(ca.length > 0 && { ca, requestCert: true, rejectUnauthorized: false }),
    minVersion: "TLSv1.2",
    maxSessionMemory: MAX_SESSION_MEMORY,
    streamResetBurst: 10_000,
    streamResetRate: 1000,
    settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: 1 << 20, enablePush: false },
  });
  const sockets = new Set<Duplex>();
  const sessions = new Set<ServerHttp2Session>();
  connect(server, handlers, sockets, sessions);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port, address } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    renew: (papers) => server.setSecureContext({ cert: papers.cert, key: papers.key, ...(ca.length > 0 && { ca }) }),
    close: (grace) => close(server, sockets, sessions, clock, grace),
  };
}

function connect(
  server: Http2SecureServer,
  handlers: Handlers,
  sockets: Set<Duplex>,
  sessions: Set<ServerHttp2Session>,
): void {
  server.on("secureConnection", (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  server.on("request", (request, response) => {
    handlers.serve(new Http1Exchange(request as unknown as IncomingMessage, response as unknown as ServerResponse));
  });
  // With a "request" listener Node wraps HTTP/2 streams to look like HTTP/1.1. We take them as they are: it is cheaper.
  server.removeAllListeners("stream");
  server.on("stream", (stream, headers, flags, rawHeaders: readonly string[]) => {
    handlers.serve(new Http2Exchange(stream as ServerHttp2Stream, headers, rawHeaders, (flags & END_STREAM) !== 0));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    handlers.upgrade(request, socket, head);
  });
  server.on("sessionError", () => undefined);
  server.on("tlsClientError", () => undefined);
  server.on("clientError", (_error: Error, socket: Duplex) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  });
}

const END_STREAM = 1;

function close(
  server: Http2SecureServer,
  sockets: Set<Duplex>,
  sessions: Set<ServerHttp2Session>,
  clock: Clock,
  grace: number,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(grace, () => {
      for (const socket of sockets) socket.destroy();
    });
    server.close(() => {
      timer.cancel();
      resolve();
    });
    for (const session of sessions) session.close();
    (server as unknown as { closeIdleConnections?: () => void }).closeIdleConnections?.();
  });
}
