import type { ExecConfig } from "../connection-config.ts";

/** What every named entry carries beside its own fields. */
export interface Origin {
  /** The file it was read from. */
  readonly file: string;
  /** The entry exactly as the file has it. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** How to reach a server. Paths are absolute; `*Data` is PEM text. */
export interface KubeCluster extends Origin {
  readonly server: string;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly certificateAuthority?: string;
  readonly certificateAuthorityData?: string;
  readonly proxyUrl?: string;
  /** The `config` of the cluster's extension for exec plugins. */
  readonly execConfig?: unknown;
}

/** How to prove who one is. Paths are absolute; `*Data` is PEM text. */
export interface KubeUser extends Origin {
  readonly clientCertificate?: string;
  readonly clientCertificateData?: string;
  readonly clientKey?: string;
  readonly clientKeyData?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly impersonate?: string;
  readonly impersonateUid?: string;
  readonly impersonateGroups?: readonly string[];
  readonly impersonateExtra?: Readonly<Record<string, readonly string[]>>;
  readonly exec?: ExecConfig;
}

/** A cluster and a user under one name. */
export interface KubeContext extends Origin {
  readonly cluster: string;
  readonly user: string;
  readonly namespace?: string;
}

/** One kubeconfig, or several merged. */
export interface Kubeconfig {
  readonly clusters: ReadonlyMap<string, KubeCluster>;
  readonly users: ReadonlyMap<string, KubeUser>;
  readonly contexts: ReadonlyMap<string, KubeContext>;
  /** Empty: none. */
  readonly currentContext: string;
  readonly preferences: Readonly<Record<string, unknown>>;
  /** The files that were read, in order of precedence. */
  readonly files: readonly string[];
  /** Files that were named but do not exist. */
  readonly missing: readonly string[];
}
