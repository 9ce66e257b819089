import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CodedError } from "../../kit/index.ts";

/** An answer that is an error. `status` is HTTP's. */
export class HttpError extends CodedError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("HttpError", message);
    this.status = status;
  }
}

/** A request whose path has matched; names of the path are decoded. */
export interface RouteRequest {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Aborts when the client goes away or the server ends. */
  readonly signal: AbortSignal;
}

export type Handler = (request: RouteRequest, response: ServerResponse) => Promise<void>;
export type UpgradeHandler = (request: RouteRequest, socket: Duplex, head: Buffer) => Promise<void>;

export interface Route {
  /** `/containerLogs/:namespace/:pod/:container`. */
  readonly pattern: string;
  readonly handle?: Handler;
  readonly upgrade?: UpgradeHandler;
}

export interface Matched {
  readonly route: Route;
  readonly parameters: Record<string, string>;
}

/** The first route that the path fits; the table is small. */
export function matchRoute(routes: readonly Route[], path: string): Matched | undefined {
  const parts = path.split("/");
  for (const route of routes) {
    const wanted = route.pattern.split("/");
    if (wanted.length !== parts.length) continue;
    const parameters: Record<string, string> = {};
    const fits = wanted.every((part, i) => {
      const given = parts[i] ?? "";
      if (!part.startsWith(":")) return part === given;
      const value = decode(given);
      if (value === undefined || value === "") return false;
      parameters[part.slice(1)] = value;
      return true;
    });
    if (fits) return { route, parameters };
  }
  return undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  type = "text/plain; charset=utf-8",
): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    "content-type": type,
    "content-length": body.length,
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}

export function sendJson(response: ServerResponse, value: unknown): void {
  sendText(response, 200, JSON.stringify(value), "application/json");
}

/** Whether a query parameter says yes. */
export function isSet(query: URLSearchParams, ...names: readonly string[]): boolean {
  return names.some((name) => ["1", "true"].includes(query.get(name) ?? ""));
}
