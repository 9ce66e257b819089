import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { CodedError } from "../../kit/index.ts";
import type { ConnectionConfig } from "../connection-config.ts";

/** A client certificate that a plugin handed out, PEM. */
export interface ClientKeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What of `tls.connect`'s options a connection configuration decides. */
export type TlsParameters = Pick<
  ConnectionOptions,
  "host" | "servername" | "ca" | "cert" | "key" | "rejectUnauthorized"
>;

/** What to give `tls.connect`; reads the files that the configuration names. */
export async function tlsOptions(
  config: ConnectionConfig,
  host: string,
  handedOut: ClientKeyPair | undefined,
): Promise<TlsParameters> {
  const [ca, cert, key] = await Promise.all([
    pem("certificate authority", config.caData, config.caFile),
    pem("client certificate", config.clientCertData, config.clientCertFile),
    pem("client key", config.clientKeyData, config.clientKeyFile),
  ]);
  if ((cert === undefined) !== (key === undefined)) {
    const [there, missing] = cert === undefined ? ["key", "certificate"] : ["certificate", "key"];
    throw new CodedError("CredentialsInvalid", `a client ${there} is configured, but no client ${missing}`);
  }
  const pair = cert !== undefined && key !== undefined ? { cert, key } : handedOut;
  // A name must be given for what is no host name: addresses are checked by `host`.
  const servername = config.tlsServerName ?? (isIP(host) === 0 ? host : undefined);
  return {
    host,
    ...(servername !== undefined && { servername }),
    ...(ca !== undefined && { ca }),
    ...pair,
    rejectUnauthorized: config.insecureSkipTlsVerify !== true,
  };
}

async function pem(what: string, data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data) return data;
  if (!file) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const why = (cause as Error).message;
    throw new CodedError("CredentialsInvalid", `cannot read the ${what}: ${why}`, { cause });
  }
}
