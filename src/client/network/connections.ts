import { stat } from "node:fs/promises";
import type { Env } from "../../kit/index.ts";
import { CodedError } from "../../kit/index.ts";
import type { ConnectionConfig } from "../connection-config.ts";
import type { Credentials } from "./credentials.ts";
import { dialTls } from "./dial.ts";
import type { Exchanger } from "./exchange.ts";
import { Http1Exchanger } from "./http1.ts";
import { Http2Exchanger } from "./http2.ts";
import type { TlsParameters } from "./tls-options.ts";
import { tlsOptions } from "./tls-options.ts";

/** Certificate files are looked at again after this long, ms. */
const PAPERS_LIFE = 60_000;

/** The address of the server, checked. */
export function serverUrl(config: ConnectionConfig): URL {
  const text = /^[a-z]+:\/\//i.test(config.server) ? config.server : `http://${config.server}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "https:" || url.protocol === "http:") && url.hostname !== "") return url;
  throw new CodedError(
    "ServerInvalid",
    `"${config.server}" is not the address of a server, expected https://HOST:PORT`,
  );
}

/** Connections to one server: HTTP/2 where it offers that, else HTTP/1.1. The first request finds out. */
export class Connections {
  readonly url: URL;
  readonly #config: ConnectionConfig;
  readonly #credentials: Credentials;
  readonly #env: Env;
  #exchanger: Promise<Exchanger> | undefined;
  #keyPair: string | undefined;
  #papers = "";
  #papersReadAt = 0;

  constructor(url: URL, config: ConnectionConfig, credentials: Credentials, env: Env) {
    this.url = url;
    this.#config = config;
    this.#credentials = credentials;
    this.#env = env;
  }

  get secure(): boolean {
    return this.url.protocol === "https:";
  }

  /** What to send requests through now. Certificate files that have changed lead to new connections. */
  async exchanger(): Promise<Exchanger> {
    const now = this.#env.clock.monotonic();
    if (this.#exchanger && now - this.#papersReadAt > PAPERS_LIFE) {
      this.#papersReadAt = now;
      const papers = await papersOf(this.#config);
      if (papers !== this.#papers) this.close();
    }
    this.#exchanger ??= this.#connect().catch((error: unknown) => {
      this.#exchanger = undefined;
      throw error;
    });
    return this.#exchanger;
  }

  /** TLS parameters for a connection made now. */
  async tls(): Promise<TlsParameters> {
    const keyPair = await this.#credentials.keyPair();
    this.#keyPair = keyPair?.cert;
    this.#papersReadAt = this.#env.clock.monotonic();
    this.#papers = await papersOf(this.#config);
    return tlsOptions(this.#config, this.url.hostname.replace(/^\[|\]$/g, ""), keyPair);
  }

  /** After credentials were renewed: connections that carry an old client certificate are not used any more. */
  async retire(): Promise<void> {
    const keyPair = await this.#credentials.keyPair();
    if (keyPair?.cert !== this.#keyPair) this.close();
  }

  close(): void {
    const closing = this.#exchanger;
    this.#exchanger = undefined;
    void closing?.then(
      (exchanger) => exchanger.close(),
      () => undefined,
    );
  }

  async #connect(): Promise<Exchanger> {
    if (!this.secure) return new Http1Exchanger(this.url);
    if (this.#config.http1) return new Http1Exchanger(this.url, () => this.tls());
    const dial = async (protocols: readonly string[]) =>
      dialTls(this.url, await this.tls(), protocols, this.#env.clock);
    const first = await dial(["h2", "http/1.1"]);
    if (first.alpnProtocol === "h2") {
      return new Http2Exchanger(this.url.origin, () => dial(["h2"]), this.#env.clock, first);
    }
    first.destroy();
    return new Http1Exchanger(this.url, () => this.tls());
  }
}

/** Tells one state of the certificate files from another. */
async function papersOf({ caFile, clientCertFile, clientKeyFile }: ConnectionConfig): Promise<string> {
  const files = [caFile, clientCertFile, clientKeyFile].filter((file) => file !== undefined);
  const states = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return states.map((s) => `${s?.ino}:${s?.mtimeMs}:${s?.size}`).join();
}
