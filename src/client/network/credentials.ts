import { readFile } from "node:fs/promises";
import type { Env } from "../../kit/index.ts";
import { CodedError } from "../../kit/index.ts";
import type { ConnectionConfig, Impersonation } from "../connection-config.ts";
import { ExecCredentials } from "./exec-credentials.ts";
import type { ClientKeyPair } from "./tls-options.ts";

/** A token file is read again after this long, ms. */
const TOKEN_LIFE = 60_000;

type Headers = Record<string, string | readonly string[]>;

/** The credentials of one connection configuration, renewed as they age. */
export class Credentials {
  readonly #config: ConnectionConfig;
  readonly #env: Env;
  readonly #fixed: Headers;
  readonly #exec: ExecCredentials | undefined;
  #token: { readonly value: string; readonly readAt: number } | undefined;

  /** Over a plain connection no credential is ever sent. */
  constructor(config: ConnectionConfig, env: Env, secure: boolean) {
    this.#env = env;
    this.#config = secure ? config : { server: config.server };
    this.#fixed = { ...basicAuth(this.#config), ...impersonation(config.impersonate) };
    const { token, tokenFile, username, clientCertData, clientCertFile, exec } = this.#config;
    // Credentials given outright win over the program, as in client-go.
    if (exec && !token && !tokenFile && !username && !clientCertData && !clientCertFile) {
      this.#exec = new ExecCredentials(exec, this.#config, env);
    }
  }

  /** The headers that authenticate a request sent now. */
  async headers(): Promise<Headers> {
    const token = await this.#currentToken();
    return token === "" ? this.#fixed : { ...this.#fixed, authorization: `Bearer ${token}` };
  }

  /** The client certificate that a plugin hands out. */
  async keyPair(): Promise<ClientKeyPair | undefined> {
    return (await this.#exec?.current())?.keyPair;
  }

  /** After a 401: fetches them anew. Tells whether they are others now, so that a second try makes sense. */
  async renew(): Promise<boolean> {
    if (this.#exec) return this.#exec.renew();
    if (!this.#config.tokenFile) return false;
    const before = this.#token?.value;
    this.#token = undefined;
    return (await this.#currentToken()) !== before;
  }

  async #currentToken(): Promise<string> {
    if (this.#exec) return (await this.#exec.current()).token;
    const { tokenFile, token = "" } = this.#config;
    if (!tokenFile) return token;
    const now = this.#env.clock.monotonic();
    if (this.#token && now - this.#token.readAt < TOKEN_LIFE) return this.#token.value;
    try {
      this.#token = { value: (await readFile(tokenFile, "utf8")).trim(), readAt: now };
    } catch (cause) {
      const known = this.#token?.value ?? token;
      const why = (cause as Error).message;
      if (known === "") throw new CodedError("CredentialsInvalid", `cannot read the token file: ${why}`, { cause });
      this.#env.log.warn("Cannot read the token file, using the token known", { error: why });
      this.#token = { value: known, readAt: now };
    }
    return this.#token.value;
  }
}

function basicAuth({ username, password = "" }: ConnectionConfig): Headers {
  if (!username) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}

function impersonation(as: Impersonation | undefined): Headers {
  if (!as) return {};
  const headers: Headers = { "impersonate-user": as.user };
  if (as.uid) headers["impersonate-uid"] = as.uid;
  if (as.groups && as.groups.length > 0) headers["impersonate-group"] = as.groups;
  for (const [key, values] of Object.entries(as.extra ?? {})) {
    headers[`impersonate-extra-${encodeURIComponent(key).toLowerCase()}`] = values;
  }
  return headers;
}
