import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { errorText } from "../../../kit/index.ts";
import { failure, type StatusError } from "../../../machinery/index.ts";
import { isLocal, type Target } from "./address.ts";

/** Our papers for kubelets. */
export interface KubeletClientOptions {
  /** PEM; absent: kubelets must take us without. */
  readonly cert?: string;
  readonly key?: string;
  /** PEM of the CAs of kubelets' certificates; absent: they are not verified. */
  readonly ca?: string;
  /** Another way to a node than its address: simulated nodes, tunnels. Undefined: none, use the address. */
  dial?(node: string, target: Target): Promise<Duplex> | undefined;
}

/** Opens byte streams to kubelets, pods and services. */
export class Backends {
  readonly #kubelet: KubeletClientOptions;

  constructor(kubelet: KubeletClientOptions) {
    this.#kubelet = kubelet;
  }

  /** A connection, TLS done. Rejects with 502 or 503. `guarded`: addresses of this machine are refused once resolved. */
  async connect(target: Target, guarded: boolean, verify = true): Promise<Duplex> {
    const dialled = target.node === undefined ? undefined : this.#kubelet.dial?.(target.node, target);
    if (dialled) return dialled;
    return new Promise((resolve, reject) => {
      const { host, port } = target;
      const socket =
        target.scheme === "https"
          ? connectTls({ host, port, ...this.#papers(target, verify), ALPNProtocols: ["http/1.1"] })
          : connectTcp({ host, port });
      const onError = (error: Error): void => reject(unreachable(target, error));
      socket.once("error", onError);
      socket.once("lookup", (error: Error | null, address: string) => {
        if (!error && guarded && isLocal(address)) socket.destroy(new Error("address not allowed"));
      });
      socket.once(target.scheme === "https" ? "secureConnect" : "connect", () => {
        socket.off("error", onError);
        resolve(socket);
      });
    });
  }

  #papers(target: Target, verify: boolean): object {
    if (target.tls) {
      const { serverName, ca, insecure, cert, key } = target.tls;
      const own = cert !== undefined && key !== undefined ? { cert, key } : {};
      return { servername: serverName, rejectUnauthorized: !insecure, ...(ca !== undefined && { ca }), ...own };
    }
    if (target.node === undefined) return { rejectUnauthorized: false };
    const { cert, key, ca } = this.#kubelet;
    return {
      ...(cert !== undefined && key !== undefined && { cert, key }),
      ...(ca !== undefined && verify ? { ca } : { rejectUnauthorized: false }),
    };
  }
}

export interface BackendRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
}

/** One HTTP/1.1 request over an open connection; resolves with the head of the answer. Redirects are not followed. */
export function exchange(socket: Duplex, target: Target, request: BackendRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method: request.method,
      path: request.path,
      headers: { host: hostOf(target), ...request.headers, connection: "close" } as RequestOptions["headers"] & object,
      createConnection: () => socket,
      signal: request.signal,
    };
    const outgoing = httpRequest(options, resolve);
    outgoing.once("error", (error) => reject(unreachable(target, error)));
    outgoing.end(request.body);
  });
}

/** `host:port` as in a URL. */
export function hostOf({ host, port }: Target): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function unreachable(target: Target, error: Error): StatusError {
  const where = `${target.scheme}://${hostOf(target)}`;
  if (target.node === undefined) {
    const message = `error trying to reach service: dial tcp ${hostOf(target)}: ${errorText(error)}`;
    return failure({ code: 503, reason: "ServiceUnavailable", message });
  }
  return failure({
    code: 500,
    reason: "InternalError",
    message: `error dialing backend: ${where}: ${errorText(error)}`,
  });
}
