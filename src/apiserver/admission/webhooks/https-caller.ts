import { Agent, request } from "node:https";
import { LruMap } from "../../../kit/index.ts";
import { quote } from "../../../machinery/index.ts";
import { type HookAddress, type HookAnswer, type HookCaller, printUrl } from "./caller.ts";

const AGENTS = 256;
/** No answer is this long that is one. */
const MAX_BYTES = 3 * 1024 * 1024;

/** Asks webhooks over TLS, on connections that stay open. Redirects are not followed. */
export function httpsCaller(): HookCaller {
  const agents = new LruMap<string, Agent>(AGENTS);
  const agentFor = ({ host, port, serverName, ca = "" }: HookAddress): Agent => {
    const key = [host, port, serverName, ca].join("\n");
    const agent = agents.get(key) ?? new Agent({ keepAlive: true, servername: serverName, ...(ca !== "" && { ca }) });
    agents.set(key, agent);
    return agent;
  };
  return {
    async post(address, body, signal) {
      try {
        return await send(address, body, agentFor(address), signal);
      } catch (error) {
        throw new Error(`Post ${quote(printUrl(address))}: ${describe(error, address, signal)}`, { cause: error });
      }
    },
  };
}

function send(address: HookAddress, body: Uint8Array, agent: Agent, signal: AbortSignal): Promise<HookAnswer> {
  const { url, host, port } = address;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        method: "POST",
        host,
        port,
        path: `${url.pathname}${url.search}`,
        agent,
        signal,
        headers: {
          host: url.host,
          accept: "application/json, */*",
          "content-type": "application/json",
          "content-length": body.byteLength,
          "user-agent": "kube-apiserver-admission",
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_BYTES) incoming.destroy(new Error(`answer of more than ${MAX_BYTES} bytes`));
          chunks.push(chunk);
        });
        incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }));
        incoming.once("error", reject);
      },
    );
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

const UNKNOWN_AUTHORITY = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** The failure in Go's words, which people search for. */
function describe(error: unknown, { host, port, serverName }: HookAddress, signal: AbortSignal): string {
  if (signal.aborted) return "context deadline exceeded";
  const { code = "", message = "" } = error as { code?: string; message?: string };
  const bad = "tls: failed to verify certificate: x509:";
  if (UNKNOWN_AUTHORITY.has(code)) return `${bad} certificate signed by unknown authority`;
  if (code === "CERT_HAS_EXPIRED") return `${bad} certificate has expired or is not yet valid`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `${bad} certificate is not valid for any names, but wanted to match ${serverName}`;
  }
  const dial = `dial tcp ${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (code === "ECONNREFUSED") return `${dial}: connect: connection refused`;
  if (code === "EHOSTUNREACH") return `${dial}: connect: no route to host`;
  if (code === "ETIMEDOUT") return `${dial}: i/o timeout`;
  if (code === "ENOTFOUND") return `dial tcp: lookup ${host}: no such host`;
  if (code === "ECONNRESET") return "EOF";
  return message;
}
