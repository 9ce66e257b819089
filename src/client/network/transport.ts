import type { Counter, Env, Histogram } from "../../kit/index.ts";
import { CodedError, childController } from "../../kit/index.ts";
import { ParseError, decodeJson, encodeJson } from "../../machinery/index.ts";
import type { ConnectionConfig } from "../connection-config.ts";
import { connectionFailed } from "../connection-error.ts";
import { queryString } from "../path.ts";
import type { ApiRequest, ApiResponse, ApiSocket, ApiStream, StreamTransport, WatchEvent } from "../transport.ts";
import { answerError, retryAfterOf } from "./answer.ts";
import { Connections, serverUrl } from "./connections.ts";
import { Credentials } from "./credentials.ts";
import type { WireResponse } from "./exchange.ts";
import { readAll } from "./exchange.ts";
import { watchEvents } from "./frames.ts";
import { retryAnswer, retryFailure } from "./retry.ts";
import { openSocket } from "./socket.ts";

const SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const USER_AGENT = `k8ts (${process.platform}/${process.arch})`;

type Headers = Record<string, string | readonly string[]>;

/** The transport over TCP and TLS; made by `networkTransport`. */
export class NetworkTransport implements StreamTransport {
  readonly #config: ConnectionConfig;
  readonly #env: Env;
  readonly #credentials: Credentials;
  readonly #connections: Connections;
  readonly #basePath: string;
  readonly #answers: Counter;
  readonly #seconds: Histogram;
  #closed = false;

  constructor(config: ConnectionConfig, env: Env) {
    const url = serverUrl(config);
    this.#config = config;
    this.#env = env;
    this.#basePath = url.pathname.replace(/\/+$/, "");
    this.#credentials = new Credentials(config, env, url.protocol === "https:");
    this.#connections = new Connections(url, config, this.#credentials, env);
    this.#answers = env.metrics.counter("rest_client_requests_total", {
      help: "Number of HTTP requests, partitioned by status code, method, and host.",
      labels: ["code", "host", "method"],
    });
    this.#seconds = env.metrics.histogram("rest_client_request_duration_seconds", {
      help: "Request latency in seconds. Broken down by verb, and host.",
      labels: ["host", "verb"],
      buckets: SECONDS,
    });
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    const limit = this.#limit(request);
    try {
      return await this.#request(limit.request);
    } finally {
      limit.cancel();
    }
  }

  async *watch(request: ApiRequest): AsyncGenerator<WatchEvent, void, undefined> {
    const query = { ...request.query, watch: "true" };
    const response = await this.#send({ ...request, query });
    if (response.status >= 400) throw await failureOf(request, response);
    try {
      yield* watchEvents(response.body);
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      throw connectionFailed(`cannot understand the watch of ${request.path}: ${error.message}`, error);
    }
  }

  async stream(request: ApiRequest): Promise<ApiStream> {
    const response = await this.#send(request);
    if (response.status >= 400) throw await failureOf(request, response);
    return response;
  }

  async connect(request: ApiRequest, protocols: readonly string[]): Promise<ApiSocket> {
    this.#checkOpen();
    const { url, secure } = this.#connections;
    const { signal } = request;
    return openSocket({
      url: `${secure ? "wss" : "ws"}://${url.host}${this.#pathOf(request)}`,
      protocols,
      headers: await this.#headersOf(request),
      ...(secure && { tls: await this.#connections.tls() }),
      ...(signal && { signal }),
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#connections.close();
    return Promise.resolve();
  }

  async #request(request: ApiRequest): Promise<ApiResponse> {
    for (let attempt = 0; ; attempt++) {
      const { status, headers, body: chunks } = await this.#send(request);
      try {
        const body = decode(headers, await readAll(chunks));
        if (status >= 400) throw answerError(request.method, status, body, retryAfterOf(headers));
        return { status, headers, body };
      } catch (error) {
        // Half an answer.
        const wait = retryFailure(request, error, attempt);
        if (wait === undefined) throw error;
        await this.#env.clock.sleep(wait, request.signal);
      }
    }
  }

  /** Sends until there is an answer that stands. */
  async #send(request: ApiRequest): Promise<WireResponse> {
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      let wait: number | undefined;
      try {
        const response = await this.#sendOnce(request);
        if (response.status < 400) return response;
        if (response.status === 401 && !renewed && (await this.#credentials.renew())) {
          renewed = true;
          await this.#connections.retire();
          wait = 0;
        } else {
          wait = retryAnswer(request, response.status, response.headers, attempt);
        }
        if (wait === undefined) return response;
        await readAll(response.body);
      } catch (error) {
        wait = retryFailure(request, error, attempt);
        if (wait === undefined) throw error;
      }
      this.#env.log.debug("Repeating a request", { method: request.method, path: request.path, wait });
      if (wait > 0) await this.#env.clock.sleep(wait, request.signal);
    }
  }

  async #sendOnce(request: ApiRequest): Promise<WireResponse> {
    this.#checkOpen();
    request.signal?.throwIfAborted();
    const { method, body, signal } = request;
    const headers = await this.#headersOf(request);
    const start = this.#env.clock.monotonic();
    let code = "<error>";
    try {
      const exchanger = await this.#connections.exchanger();
      const response = await exchanger.send({
        method,
        path: this.#pathOf(request),
        headers,
        ...(body !== undefined && { body: body instanceof Uint8Array ? body : encodeJson(body) }),
        ...(signal && { signal }),
      });
      code = String(response.status);
      return response;
    } finally {
      const { host } = this.#connections.url;
      this.#answers.inc({ code, host, method });
      this.#seconds.observe((this.#env.clock.monotonic() - start) / 1000, { host, verb: method });
    }
  }

  async #headersOf(request: ApiRequest): Promise<Headers> {
    const credentials = await this.#credentials.headers();
    return {
      accept: "application/json",
      "user-agent": this.#config.userAgent ?? USER_AGENT,
      ...credentials,
      ...(request.body !== undefined && { "content-type": request.contentType ?? "application/json" }),
      ...request.headers,
    };
  }

  #pathOf(request: ApiRequest): string {
    return `${this.#basePath}${request.path}${queryString(request.query)}`;
  }

  #limit(request: ApiRequest): { readonly request: ApiRequest; cancel(): void } {
    const { timeout } = this.#config;
    if (timeout === undefined) return { request, cancel: () => undefined };
    const controller = childController(request.signal);
    const timer = this.#env.clock.setTimer(timeout, () => {
      const message = `${request.method} ${request.path}: no answer within ${timeout / 1000} s`;
      controller.abort(new CodedError("RequestTimeout", message));
    });
    const cancel = (): void => {
      timer.cancel();
      controller.unlink();
    };
    return { request: { ...request, signal: controller.signal }, cancel };
  }

  #checkOpen(): void {
    if (this.#closed) throw connectionFailed(`the transport to ${this.#connections.url.origin} was closed`);
  }
}

async function failureOf(request: ApiRequest, response: WireResponse): Promise<Error> {
  const body = decode(response.headers, await readAll(response.body));
  return answerError(request.method, response.status, body, retryAfterOf(response.headers));
}

/** JSON as an object, everything else as text. */
function decode(headers: Readonly<Record<string, string>>, bytes: Buffer): unknown {
  const type = headers["content-type"] ?? "";
  if (bytes.length === 0 || !type.includes("json")) return bytes.toString("utf8");
  try {
    return decodeJson(bytes);
  } catch (error) {
    throw connectionFailed(`cannot understand the server's answer: ${(error as Error).message}`, error);
  }
}
