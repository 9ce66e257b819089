import { CodedError } from "../../kit/index.ts";
import type { ConnectionConfig, ExecConfig, Impersonation } from "../connection-config.ts";
import type { KubeCluster, KubeContext, KubeUser, Kubeconfig } from "./types.ts";

export interface ContextOptions {
  /** Default: the current context. */
  readonly context?: string;
  /** Another cluster, or user, than the context's. */
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** A context made ready to connect. */
export interface ResolvedContext {
  /** Empty when there is no context and cluster and user were given. */
  readonly name: string;
  readonly namespace: string;
  readonly connection: ConnectionConfig;
}

/**
 * Looks up a context with its cluster and user. Throws `KubeconfigEmpty` when nothing at all is configured, else
 * `KubeconfigIncomplete` saying what is missing.
 */
export function resolveContext(config: Kubeconfig, options: ContextOptions = {}): ResolvedContext {
  const name = options.context ?? config.currentContext;
  const context = config.contexts.get(name);
  if (!context) checkNoContext(config, name, options);
  const cluster = lookUp(config.clusters, "cluster", options.cluster ?? context?.cluster, name, context);
  const user = lookUp(config.users, "user", options.user ?? context?.user, name, context);
  if (cluster?.server === undefined || cluster.server === "") {
    const of = options.cluster ?? context?.cluster ?? "";
    throw incomplete(`cluster "${of}" has no server${cluster ? ` (in ${cluster.file})` : ""}`);
  }
  return {
    name: context ? name : "",
    namespace: options.namespace || context?.namespace || "default",
    connection: connectionOf(cluster, user),
  };
}

function checkNoContext(config: Kubeconfig, name: string, options: ContextOptions): void {
  if (options.context !== undefined && name !== "")
    throw incomplete(`context "${name}" does not exist${known(config.contexts)}`);
  if (options.cluster !== undefined) return;
  if (config.clusters.size === 0 && config.users.size === 0 && config.contexts.size === 0) {
    const looked = [...config.files, ...config.missing].join(", ");
    throw new CodedError("KubeconfigEmpty", `no cluster is configured${looked === "" ? "" : ` (looked in ${looked})`}`);
  }
  if (name === "") throw incomplete(`no current context is set${known(config.contexts)}`);
  throw incomplete(`the current context "${name}" does not exist${known(config.contexts)}`);
}

function lookUp<T>(
  entries: ReadonlyMap<string, T>,
  kind: string,
  name: string | undefined,
  contextName: string,
  context: KubeContext | undefined,
): T | undefined {
  if (name === undefined || name === "") return undefined;
  const found = entries.get(name);
  if (found) return found;
  const of = context ? `, which context "${contextName}" names (in ${context.file}),` : "";
  throw incomplete(`${kind} "${name}"${of} does not exist${known(entries)}`);
}

function known(entries: ReadonlyMap<string, unknown>): string {
  return entries.size === 0 ? "" : `; there are: ${[...entries.keys()].join(", ")}`;
}

function incomplete(message: string): CodedError {
  return new CodedError("KubeconfigIncomplete", `kubeconfig: ${message}`);
}

/** The connection that a cluster entry and a user entry describe. */
export function connectionOf(cluster: KubeCluster, user: KubeUser | undefined): ConnectionConfig {
  if (cluster.proxyUrl) {
    throw new CodedError(
      "ProxyUnsupported",
      `kubeconfig: proxy-url "${cluster.proxyUrl}" is set (in ${cluster.file}), but proxies are not supported`,
    );
  }
  const c: ConnectionConfig = {
    server: cluster.server,
    ...pick("caData", cluster.certificateAuthorityData),
    ...pick("caFile", cluster.certificateAuthority),
    ...pick("tlsServerName", cluster.tlsServerName),
    ...pick("insecureSkipTlsVerify", cluster.insecureSkipTlsVerify),
  };
  if (!user) return c;
  return {
    ...c,
    ...pick("clientCertData", user.clientCertificateData),
    ...pick("clientCertFile", user.clientCertificate),
    ...pick("clientKeyData", user.clientKeyData),
    ...pick("clientKeyFile", user.clientKey),
    ...pick("token", user.token),
    ...pick("tokenFile", user.tokenFile),
    ...pick("username", user.username),
    ...pick("password", user.password),
    ...pick("exec", user.exec && execOf(user.exec, cluster)),
    ...pick("impersonate", impersonationOf(user)),
  };
}

function execOf(exec: ExecConfig, cluster: KubeCluster): ExecConfig {
  return cluster.execConfig === undefined ? exec : { ...exec, config: cluster.execConfig };
}

function impersonationOf(user: KubeUser): Impersonation | undefined {
  if (!user.impersonate) return undefined;
  return {
    user: user.impersonate,
    ...pick("uid", user.impersonateUid),
    ...pick("groups", user.impersonateGroups),
    ...pick("extra", user.impersonateExtra),
  };
}

function pick<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined || value === "" ? {} : { [key]: value }) as { [P in K]?: V };
}
