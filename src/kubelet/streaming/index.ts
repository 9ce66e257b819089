import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { bridgeCommand, COMMAND_PROTOCOLS, type CommandStreams } from "./command-socket.ts";
import { SpdyClient } from "./spdy-client.ts";
import { TUNNEL_PROTOCOL, tunnel } from "./tunnel.ts";
import { splice, upgrade, type Upgraded } from "./upgrade.ts";

export type { CommandStreams } from "./command-socket.ts";

/** What to connect the caller with: a URL that the runtime gave for one exec, attach or port-forward. */
export type StreamTarget =
  | { readonly kind: "command"; readonly url: string; readonly streams: CommandStreams }
  | { readonly kind: "portForward"; readonly url: string };

/** An upgrade request as Node hands it over. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Connects an upgrade request with the container runtime. SPDY callers speak to the runtime's own server, byte by byte;
 * WebSocket callers are translated (commands) or unwrapped (port-forward). Resolves when the stream is over. Answers the
 * caller with 4xx or 5xx itself when it cannot be connected; rejects for nothing else.
 */
export async function connectStream(from: UpgradeRequest, target: StreamTarget): Promise<void> {
  const wanted = (from.request.headers.upgrade ?? "").toLowerCase();
  from.socket.on("error", () => from.socket.destroy());
  try {
    if (wanted === "spdy/3.1") await passThrough(from, target);
    else if (wanted === "websocket") await overWebSocket(from, target);
    else refuse(from.socket, 400, "Upgrade request required: SPDY/3.1 or websocket");
  } catch (error) {
    refuse(from.socket, 500, error instanceof Error ? error.message : String(error));
  }
}

async function passThrough(from: UpgradeRequest, target: StreamTarget): Promise<void> {
  const offered = from.request.headers["x-stream-protocol-version"];
  const versions = Array.isArray(offered) ? offered.join(",") : (offered ?? "");
  const runtime = await upgrade(target.url, { upgrade: "SPDY/3.1", "x-stream-protocol-version": versions });
  const chosen = runtime.headers["x-stream-protocol-version"];
  const lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: SPDY/3.1"];
  if (typeof chosen === "string") lines.push(`X-Stream-Protocol-Version: ${chosen}`);
  from.socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await splice(from.socket, from.head, runtime.socket, runtime.head);
}

async function overWebSocket(from: UpgradeRequest, target: StreamTarget): Promise<void> {
  const protocols = target.kind === "command" ? COMMAND_PROTOCOLS : [TUNNEL_PROTOCOL];
  const offered = (from.request.headers["sec-websocket-protocol"] ?? "").split(",").map((p) => p.trim());
  const protocol =
    protocols.find((p) => offered.includes(p)) ??
    (target.kind === "command" && offered[0] === "" ? "channel.k8s.io" : undefined);
  if (protocol === undefined) {
    return refuse(
      from.socket,
      403,
      `no supported sub-protocol among ${JSON.stringify(offered)}: expected one of ${protocols.join(", ")}`,
    );
  }
  const version = target.kind === "command" ? "v4.channel.k8s.io" : "portforward.k8s.io";
  const runtime = await upgrade(target.url, { upgrade: "SPDY/3.1", "x-stream-protocol-version": version });
  const socket = await accept(from, offered[0] === "" ? undefined : protocol);
  if (target.kind === "portForward") return splice(tunnel(socket), Buffer.alloc(0), runtime.socket, runtime.head);
  return command(socket, protocol, runtime, target.streams);
}

function command(socket: WebSocket, protocol: string, runtime: Upgraded, streams: CommandStreams): Promise<void> {
  return bridgeCommand(socket, protocol, new SpdyClient(runtime.socket, runtime.head), streams);
}

async function accept(from: UpgradeRequest, protocol: string | undefined): Promise<WebSocket> {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => protocol ?? false,
  });
  return new Promise((resolve) => {
    server.handleUpgrade(from.request, from.socket, from.head, (socket) => resolve(socket));
  });
}

function refuse(socket: Duplex, code: number, message: string): void {
  if (!socket.writable) return;
  const reason = code === 403 ? "Forbidden" : code === 400 ? "Bad Request" : "Internal Server Error";
  const body = Buffer.from(`${message}\n`);
  socket.end(
    `HTTP/1.1 ${code} ${reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body.toString()}`,
  );
}
