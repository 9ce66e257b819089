/** Who asks. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The raw material of authentication: what the edge saw of a request. */
export interface Credentials {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The verified client certificate's subject and chain, when TLS saw one that our client CA signed. */
  readonly certificate?: ClientCertificate;
  /** Why the certificate that the client showed is not to be trusted; such a client is never taken for anonymous. */
  readonly problem?: string;
}

export interface ClientCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  /** Whether it was issued by the front-proxy CA (request-header authentication). */
  readonly frontProxy?: boolean;
}

/**
 * One way to learn who asks. `undefined`: not my kind of credential, ask the next one. Throws `StatusError` 401 when
 * the credential is mine and bad.
 */
export interface Authenticator {
  readonly name: string;
  authenticate(credentials: Credentials, signal?: AbortSignal): Promise<UserInfo | undefined> | UserInfo | undefined;
}
