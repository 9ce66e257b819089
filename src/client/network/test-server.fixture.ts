import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { SeededRandom } from "../../kit/index.ts";
import { createAuthority, issue } from "../../kit/index.ts";

export type Request = (IncomingMessage | Http2ServerRequest) & { readonly url: string };
export type Response = ServerResponse | Http2ServerResponse;
export type Handler = (request: Request, response: Response) => void;

/** How a test server speaks. */
export type Protocol = "http" | "https/1.1" | "h2";

const random = new SeededRandom(1);
const span = { notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2120, 0, 1) };
export const authority = createAuthority("test-ca", span, random);
const serverPair = issue(
  authority,
  { subject: { commonName: "server" }, names: ["127.0.0.1", "localhost"], usages: ["server"], ...span },
  random,
);

/** A client certificate of our authority. */
export function clientPair(commonName: string): { cert: string; key: string } {
  return issue(authority, { subject: { commonName }, usages: ["client"], ...span }, random);
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly server: Server | Http2SecureServer;
  readonly port: number;
  /** How many connections were made. */
  readonly connections: () => number;
}

/** A server on a free port that runs `handler`. */
export async function serve(
  protocol: Protocol,
  handler: Handler,
  options: { readonly maxConcurrentStreams?: number; readonly requestCert?: boolean } = {},
): Promise<TestServer> {
  const tls = {
    key: serverPair.key,
    cert: serverPair.cert,
    ca: authority.cert,
    requestCert: options.requestCert ?? false,
    rejectUnauthorized: false,
  };
  const settings = { settings: { maxConcurrentStreams: options.maxConcurrentStreams ?? 100 } };
  const made =
    protocol === "http"
      ? createServer()
      : protocol === "h2"
        ? createSecureServer({ ...tls, ...settings, allowHTTP1: true })
        : createHttpsServer(tls);
  const server = made as Server;
  const open = new Set<{ destroy(): void }>();
  let count = 0;
  server.on("request", handler as never);
  const event = protocol === "http" ? "connection" : "secureConnection";
  server.on(event, (socket: { destroy(): void; once(e: string, f: () => void): void }) => {
    count++;
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${protocol === "http" ? "http" : "https"}://127.0.0.1:${port}`,
    server,
    port,
    connections: () => count,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON. */
export function json(response: Response, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const r = response as ServerResponse;
  r.writeHead(status, { "content-type": "application/json", ...headers });
  r.end(JSON.stringify(body));
}
