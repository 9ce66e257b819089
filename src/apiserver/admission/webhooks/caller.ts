import { isIP } from "node:net";
import { type admissionregistrationv1 as v1, resources } from "../../../api/index.ts";
import { notFound, quote } from "../../../machinery/index.ts";
import type { Lookup } from "../../seams/index.ts";

/** Where a webhook listens. */
export interface HookAddress {
  /** As messages name it, and as the request line has it. */
  readonly url: URL;
  /** What to connect to. */
  readonly host: string;
  readonly port: number;
  /** The name that the certificate must be for. */
  readonly serverName: string;
  /** PEM of whom to trust; absent: the machine's authorities. */
  readonly ca?: string;
}

export interface HookAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** Asks webhooks. Rejects with an Error whose message is as Go's of a failed request. */
export interface HookCaller {
  post(address: HookAddress, body: Uint8Array, signal: AbortSignal): Promise<HookAnswer>;
}

const HTTPS = 443;

/** Finds out where a webhook listens. Throws an Error in upstream's words when it cannot be told. */
export async function addressOf(
  { clientConfig }: Pick<v1.ValidatingWebhook, "clientConfig">,
  seconds: number,
  lookup: Lookup,
): Promise<HookAddress> {
  const { url, service, caBundle } = clientConfig;
  const ca = caBundle ? { ca: Buffer.from(caBundle, "base64").toString("utf8") } : {};
  if (service) {
    const { name, namespace, path = "", port = HTTPS } = service;
    const serverName = `${name}.${namespace}.svc`;
    const target = new URL(`https://${serverName}/${path.replace(/^\//, "")}?timeout=${seconds}s`);
    target.port = String(port);
    return { url: target, host: await serviceHost(service, port, lookup), port, serverName, ...ca };
  }
  if (url === undefined) throw new Error("webhook configuration must have either service or URL");
  const target = URL.parse(url);
  if (!target) throw new Error(`Unparsable URL: parse ${quote(url)}`);
  target.searchParams.set("timeout", `${seconds}s`);
  const host = target.hostname.replace(/^\[|\]$/g, "");
  return { url: target, host, port: Number(target.port || HTTPS), serverName: host, ...ca };
}

/** The service's own address: the node's proxy leads on from there. */
async function serviceHost({ name, namespace }: v1.ServiceReference, port: number, lookup: Lookup): Promise<string> {
  const service = await lookup.get(resources.services, name, namespace);
  if (!service) throw new Error(notFound(resources.services, name).message);
  const { type, clusterIP = "", externalName = "", ports = [] } = service.spec;
  if (type === "ExternalName") {
    if (port !== HTTPS) throw new Error(`no service port ${port} found for service ${quote(name)}`);
    return externalName;
  }
  if (clusterIP === "" || clusterIP === "None" || !isIP(clusterIP)) {
    throw new Error(`cannot route to service with ClusterIP ${quote(clusterIP)}`);
  }
  if (!ports.some((candidate) => candidate.port === port)) {
    throw new Error(`no service port ${port} found for service ${quote(name)}`);
  }
  return clusterIP;
}

/** The URL as Go prints it in messages: with the port that is left out of `https` URLs otherwise. */
export function printUrl({ url, serverName, port }: HookAddress): string {
  const isService = serverName.endsWith(".svc") && url.hostname === serverName;
  const authority = isService ? `${url.hostname}:${port}` : url.host;
  return `https://${authority}${url.pathname}${url.search}`;
}
