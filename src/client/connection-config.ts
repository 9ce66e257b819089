/** Environment variable of an exec plugin. */
export interface ExecVariable {
  readonly name: string;
  readonly value: string;
}

/** A program that hands out credentials (client.authentication.k8s.io). */
export interface ExecConfig {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: readonly ExecVariable[];
  /** `client.authentication.k8s.io/v1` or `/v1beta1`. */
  readonly apiVersion: string;
  /** Shown when the program is missing. */
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: "Never" | "IfAvailable" | "Always";
  /** The cluster's `client.authentication.k8s.io/exec` extension, handed to the program. */
  readonly config?: unknown;
}

/** On whose behalf to act. */
export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/**
 * How to reach one API server, and as whom. Certificates and keys are PEM text or files; files are read anew for each
 * connection, a token file once a minute. `*Data` wins over the file beside it. Credentials are sent over TLS only.
 */
export interface ConnectionConfig {
  /** `https://host:port`, optionally with a path that all requests get. */
  readonly server: string;
  readonly caData?: string;
  readonly caFile?: string;
  /** Name to expect in the server's certificate instead of the host's. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly clientCertData?: string;
  readonly clientCertFile?: string;
  readonly clientKeyData?: string;
  readonly clientKeyFile?: string;
  readonly token?: string;
  /** Wins over `token`, which serves until the file can be read. */
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: ExecConfig;
  readonly impersonate?: Impersonation;
  readonly userAgent?: string;
  /** Limit for a request that is no watch or stream, ms; default none. */
  readonly timeout?: number;
  /** HTTP/1.1 even where the server offers HTTP/2. */
  readonly http1?: boolean;
}
