import type { corev1 } from "../../../api/index.ts";
import { badRequest, notFound, serviceUnavailable } from "../../../machinery/index.ts";
import type { Answer } from "../../request/answer.ts";
import { MAX_BODY } from "../../request/decode.ts";
import type { EndpointCall } from "../call.ts";
import { exchange, hostOf } from "./backend.ts";
import { joinUpgrade } from "./stream.ts";
import { isLocal } from "./address.ts";
import { rewriteLinks } from "./html-links.ts";
import { kubeletOf, lookUp, parseProxyName, requireRoutable, type Target } from "./target.ts";

/** `proxy` of nodes, pods and services: any method, any path behind it, passed on and back. Redirects are the client's to follow. */
export async function proxyEndpoint(call: EndpointCall): Promise<Answer> {
  const { context, core } = call;
  const { request, info } = context;
  const target = await TARGETS[call.served.resource.resource]?.(call);
  if (!target) throw notFound(call.served.resource, call.name);
  const query = request.query.toString();
  const path = `${info.rest === "" ? "/" : info.rest}${query === "" ? "" : `?${query}`}`;
  const socket = await core.backends.connect(target, target.node === undefined);
  if (request.upgrade === true) {
    return { type: "upgrade", take: (client) => joinUpgrade(client, socket, target, request.method, path) };
  }
  context.signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const body = request.body.kind === "bytes" ? await request.body.read(MAX_BODY) : undefined;
  const headers = forwarded(call);
  const { method } = request;
  const answer = await exchange(socket, target, {
    method,
    path,
    headers,
    ...(body && { body }),
    signal: context.signal,
  });
  const contentType = answer.headers["content-type"] ?? "";
  const isPage = contentType.startsWith("text/html") && answer.headers["content-encoding"] === undefined;
  const back = returned(answer.headers, call, target);
  if (isPage) delete back["content-length"];
  const content = isPage ? await page(answer, call, target) : answer;
  return { type: "raw", status: answer.statusCode ?? 502, contentType, body: content, headers: back };
}

/** A page whose absolute links lead through the proxy again. */
async function page(answer: AsyncIterable<Uint8Array>, call: EndpointCall, target: Target): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += chunk.length;
    if (size > MAX_PAGE) throw serviceUnavailable(`the proxied page is larger than ${MAX_PAGE} bytes`);
    chunks.push(chunk);
  }
  return rewriteLinks(Buffer.concat(chunks).toString("utf8"), basePath(call), `${target.scheme}://${hostOf(target)}`);
}

/** The path under which the client sees the backend's root. */
function basePath({ context: { info } }: EndpointCall): string {
  return info.rest === "" ? info.path.replace(/\/$/, "") : info.path.slice(0, info.path.length - info.rest.length);
}

const HOP_BY_HOP = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings|:.*)$/;
/** Bytes of a page that are held to rewrite its links. */
const MAX_PAGE = 32 << 20;
/** A compressed page could not be rewritten. */
const PRIVATE = /^(accept-encoding|authorization|host|x-remote-.*|impersonate-.*)$/;

function forwarded({ context }: EndpointCall): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(context.request.headers)) {
    if (value !== undefined && !HOP_BY_HOP.test(name) && !PRIVATE.test(name)) out[name] = value;
  }
  out["x-forwarded-uri"] = context.info.path;
  if (context.request.remoteAddress !== undefined) out["x-forwarded-for"] = context.request.remoteAddress;
  return out;
}

function returned(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  call: EndpointCall,
  target: Target,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.test(name) || name === "content-type") continue;
    out[name] = typeof value === "string" ? value : value.join(", ");
  }
  const { location } = out;
  if (location !== undefined) out["location"] = ownLocation(location, call, target);
  return out;
}

/** A redirect within the backend leads through the proxy again. */
function ownLocation(location: string, call: EndpointCall, target: Target): string {
  const own = `${target.scheme}://${hostOf(target)}`;
  const path = location.startsWith("/") ? location : location.startsWith(own) ? location.slice(own.length) : undefined;
  if (path === undefined) return location;
  return `${basePath(call)}${path}`;
}

const TARGETS: Readonly<Record<string, (call: EndpointCall) => Promise<Target>>> = {
  nodes: nodeTarget,
  pods: podTarget,
  services: serviceTarget,
};

async function nodeTarget(call: EndpointCall): Promise<Target> {
  const { scheme, name, port } = parseProxyName(call.name, "node");
  const kubelet = await kubeletOf(call, name);
  if (port === "" || Number(port) === kubelet.port) return kubelet;
  if (isLocal(kubelet.host)) throw badRequest("address not allowed");
  return { scheme: scheme === "https" ? "https" : "http", host: kubelet.host, port: portNumber(port) };
}

async function podTarget(call: EndpointCall): Promise<Target> {
  const { scheme, name, port } = parseProxyName(call.name, "pod");
  const item = await lookUp(call, "pods", call.namespace, name);
  if (!item) throw notFound({ group: "", resource: "pods" }, name);
  const { spec, status } = item.object as unknown as corev1.Pod;
  const first = spec.containers.find((c) => c.ports?.length)?.ports?.[0]?.containerPort;
  const host = status.podIPs?.[0]?.ip ?? status.podIP ?? "";
  requireRoutable(host);
  return {
    scheme: scheme === "https" ? "https" : "http",
    host,
    port: port === "" ? (first ?? (scheme === "https" ? 443 : 80)) : portNumber(port),
  };
}

async function serviceTarget(call: EndpointCall): Promise<Target> {
  const { scheme, name, port } = parseProxyName(call.name, "service");
  const service = await lookUp(call, "services", call.namespace, name);
  let portName = port;
  if (/^\d+$/.test(port)) {
    if (!service) throw notFound({ group: "", resource: "services" }, name);
    const { ports = [] } = (service.object as unknown as corev1.Service).spec;
    const found = ports.find((p) => p.port === Number(port));
    if (!found) throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
    portName = found.name ?? "";
  }
  const endpoints = await lookUp(call, "endpoints", call.namespace, name);
  if (!endpoints) throw notFound({ group: "", resource: "endpoints" }, name);
  const places = await placesOf(call, endpoints.object as unknown as corev1.Endpoints, portName);
  const place = places[call.core.env.random.int(Math.max(1, places.length))];
  if (!place) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(call.name)}`);
  requireRoutable(place.host);
  return { scheme: scheme === "https" ? "https" : "http", ...place };
}

/** Ready addresses with that port that really are a pod's of the namespace. */
async function placesOf(
  call: EndpointCall,
  { subsets = [] }: corev1.Endpoints,
  portName: string,
): Promise<{ host: string; port: number }[]> {
  const places: { host: string; port: number }[] = [];
  for (const { addresses = [], ports = [] } of subsets) {
    const port = ports.find((p) => (p.name ?? "") === portName);
    if (!port) continue;
    for (const { ip, targetRef } of addresses) {
      if (targetRef?.namespace !== call.namespace) continue;
      const pod = await lookUp(call, "pods", call.namespace, targetRef.name ?? "");
      const ips = (pod?.object as unknown as corev1.Pod | undefined)?.status.podIPs ?? [];
      if (ips.some((one) => one.ip === ip)) places.push({ host: ip, port: port.port });
    }
  }
  return places;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw badRequest(`invalid port ${JSON.stringify(text)}`);
  return port;
}
