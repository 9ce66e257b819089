import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { failure, type StatusError } from "../../machinery/index.ts";
import type { Connection } from "../request/answer.ts";

/** A request that asks to leave HTTP; until that is granted, no more than a request. */
export class UpgradeExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly hasBody = false;
  readonly connection: Omit<Connection, "head">;
  readonly #abort = new AbortController();
  readonly socket: Duplex;
  readonly #distinct: IncomingMessage["headersDistinct"];

  constructor(request: IncomingMessage, socket: Duplex) {
    this.method = request.method ?? "GET";
    this.target = request.url ?? "/";
    this.headers = request.headers as Record<string, string | undefined>;
    this.socket = socket;
    this.#distinct = request.headersDistinct;
    this.connection = { socket, rawHeaders: request.rawHeaders };
    socket.once("close", () => this.#abort.abort());
  }

  headerValues(name: string): readonly string[] {
    return this.#distinct[name] ?? [];
  }

  get remoteAddress(): string | undefined {
    return (this.socket as { remoteAddress?: string }).remoteAddress;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  read(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array());
  }
}

/** Answers a request for an upgrade with a failure, and closes the connection: nothing may be taken for a next request. */
export function refuseUpgrade(socket: Duplex, error: StatusError): void {
  const body = `${JSON.stringify(error.status)}\n`;
  socket.end(
    `HTTP/1.1 ${error.code} ${error.reason || "Error"}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** 400 for an upgrade where there is nothing to upgrade to. */
export function noUpgradeHere(): StatusError {
  return failure({
    code: 400,
    reason: "BadRequest",
    message: "the path does not support an upgrade of the connection",
  });
}
