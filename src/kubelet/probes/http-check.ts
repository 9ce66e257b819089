import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface HttpCheck {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string | undefined;
  /** At most 10 KiB. */
  readonly body: string;
}

const MAX_BODY = 10 * 1024;

/** One GET on a connection of its own; certificates are not checked, redirects not followed. Rejects when there is no answer. */
export function httpGet(check: HttpCheck): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const send = check.scheme === "https" ? httpsRequest : httpRequest;
    const headers = Object.fromEntries(
      Object.entries(check.headers).map(([k, v]) => [k, typeof v === "string" ? v : [...v]]),
    );
    const options = {
      host: check.host,
      port: check.port,
      path: check.path,
      headers: { ...headers, connection: "close" },
      agent: false,
      rejectUnauthorized: false,
      signal: check.signal,
    };
    const sent = send(options, (response) => {
      readBody(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }),
        reject,
      );
    });
    sent.on("error", (error) => reject(check.signal.aborted ? (check.signal.reason as Error) : error));
    sent.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= MAX_BODY) break;
  }
  response.destroy();
  return Buffer.concat(chunks).toString("utf8").slice(0, MAX_BODY);
}
