import type { Env } from "../../kit/index.ts";
import { CodedError, isCoded, runProcess } from "../../kit/index.ts";
import { tryParseTime } from "../../machinery/index.ts";
import type { ConnectionConfig, ExecConfig } from "../connection-config.ts";
import type { ClientKeyPair } from "./tls-options.ts";

/** What a credential plugin handed out. */
export interface HandedOut {
  /** Empty: none. */
  readonly token: string;
  readonly keyPair?: ClientKeyPair;
  /** Milliseconds since the epoch; Infinity when it does not say. */
  readonly expires: number;
}

interface ExecCredential {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly status?: {
    readonly expirationTimestamp?: string;
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
  };
}

/** Runs a credential plugin when its credentials are needed, and again when they have expired; never twice at a time. */
export class ExecCredentials {
  readonly #exec: ExecConfig;
  readonly #connection: ConnectionConfig;
  readonly #env: Env;
  #current: HandedOut | undefined;
  #running: Promise<HandedOut> | undefined;

  constructor(exec: ExecConfig, connection: ConnectionConfig, env: Env) {
    this.#exec = exec;
    this.#connection = connection;
    this.#env = env;
  }

  async current(): Promise<HandedOut> {
    if (this.#current && this.#env.clock.now() < this.#current.expires) return this.#current;
    return this.#run();
  }

  /** Runs the plugin even though its credentials seem good; tells whether they are others now. */
  async renew(): Promise<boolean> {
    const before = this.#current;
    const after = await this.#run();
    return before?.token !== after.token || before.keyPair?.cert !== after.keyPair?.cert;
  }

  #run(): Promise<HandedOut> {
    this.#running ??= this.#fetch().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #fetch(): Promise<HandedOut> {
    const { command, args = [], env = [], apiVersion } = this.#exec;
    const interactive = this.#interactive();
    const spec = { interactive, ...(this.#exec.provideClusterInfo && { cluster: this.#cluster() }) };
    const info = JSON.stringify({ kind: "ExecCredential", apiVersion, spec });
    const own = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    try {
      const { stdout } = await runProcess(command, args, {
        env: { ...process.env, ...own, KUBERNETES_EXEC_INFO: info },
        // People may have to read it, such as where to log in.
        inherit: { stderr: true, stdin: interactive },
      });
      this.#current = this.#read(stdout);
      return this.#current;
    } catch (cause) {
      if (!isCoded(cause, "ProcessNotFound")) throw this.#failed(cause instanceof Error ? cause.message : "", cause);
      const hint = this.#exec.installHint ? `\n\n${this.#exec.installHint}` : "";
      throw this.#failed(`executable ${command} not found${hint}`, cause);
    }
  }

  #interactive(): boolean {
    const { interactiveMode = "IfAvailable" } = this.#exec;
    if (interactiveMode === "Never") return false;
    const terminal = process.stdin.isTTY === true;
    if (interactiveMode === "Always" && !terminal) {
      throw this.#failed("it needs a terminal, but standard input is not one");
    }
    return terminal;
  }

  #cluster(): object {
    const { server, tlsServerName, insecureSkipTlsVerify, caData } = this.#connection;
    return {
      server,
      ...(tlsServerName !== undefined && { "tls-server-name": tlsServerName }),
      ...(insecureSkipTlsVerify && { "insecure-skip-tls-verify": true }),
      ...(caData !== undefined && { "certificate-authority-data": Buffer.from(caData).toString("base64") }),
      config: this.#exec.config ?? null,
    };
  }

  #read(stdout: string): HandedOut {
    const { kind, apiVersion, status } = parse(stdout) ?? {};
    if (kind !== "ExecCredential") throw new Error("it did not print an ExecCredential");
    if (apiVersion !== this.#exec.apiVersion) {
      throw new Error(`it is configured for ${this.#exec.apiVersion}, but returned ${apiVersion ?? "no apiVersion"}`);
    }
    if (!status) throw new Error("it returned no status");
    const { token = "", clientCertificateData: cert = "", clientKeyData: key = "", expirationTimestamp } = status;
    if (token === "" && cert === "" && key === "") throw new Error("it returned neither token nor certificate");
    if ((cert === "") !== (key === "")) throw new Error("it returned only one of certificate and key");
    const expires = tryParseTime(expirationTimestamp) ?? Infinity;
    return { token, expires, ...(cert !== "" && { keyPair: { cert, key } }) };
  }

  #failed(why: string, cause?: unknown): CodedError {
    const message = `credential plugin "${this.#exec.command}" failed: ${why}`;
    return new CodedError("CredentialPluginFailed", message, { cause });
  }
}

function parse(text: string): ExecCredential | undefined {
  try {
    return JSON.parse(text) as ExecCredential;
  } catch {
    return undefined;
  }
}
