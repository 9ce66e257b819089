import { isIP } from "node:net";
import type { corev1 } from "../../../api/index.ts";
import { badRequest, isDns1123Subdomain, notFound, serviceUnavailable } from "../../../machinery/index.ts";
import type { Item } from "../../cache/index.ts";
import { itemKey } from "../../registry/call.ts";
import type { EndpointCall } from "../call.ts";
import { isLocal, type Target } from "./address.ts";

export type { Target } from "./address.ts";

/** The order in which a node's addresses are tried (kubeadm's flags). */
const ADDRESS_TYPES = ["InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS"];
const KUBELET_PORT = 10250;

/** Where the kubelet of a node listens. Throws 404 for a node that is none, 503 for one without an address. */
export async function kubeletOf(call: EndpointCall, nodeName: string): Promise<Target> {
  const item = await lookUp(call, "nodes", "", nodeName);
  if (!item) throw notFound({ group: "", resource: "nodes" }, nodeName);
  const { status } = item.object as unknown as corev1.Node;
  const address = ADDRESS_TYPES.flatMap((type) => status.addresses?.find((a) => a.type === type) ?? [])[0];
  if (!address) throw serviceUnavailable(`no preferred addresses found; known addresses: []`);
  const port = status.daemonEndpoints?.kubeletEndpoint?.Port || KUBELET_PORT;
  return { scheme: "https", host: address.address, port, node: nodeName };
}

/** The pod that the call names; throws 404. */
export async function podOf(call: EndpointCall): Promise<corev1.Pod> {
  const item = await lookUp(call, "pods", call.namespace, call.name);
  if (!item) throw notFound({ group: "", resource: "pods" }, call.name);
  return item.object as unknown as corev1.Pod;
}

/** An object of the core group, as new as it gets. */
export async function lookUp(
  { core }: EndpointCall,
  resource: string,
  namespace: string,
  name: string,
): Promise<Item | undefined> {
  const kind = core.catalog.find("", "v1", resource)?.kind;
  if (!kind) return undefined;
  await kind.cache.fresh();
  return kind.cache.get(itemKey(namespace, name));
}

/** The container meant: the one named, or the only one. Throws 400. */
export function containerIn(pod: corev1.Pod, wanted: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const names = [...initContainers, ...containers, ...ephemeralContainers].map((c) => c.name);
  const { name } = pod.metadata;
  if (wanted !== "") {
    if (names.includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  if (containers.length === 1 && containers[0]) return containers[0].name;
  if (containers.length === 0) throw badRequest(`a container name must be specified for pod ${name}`);
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`);
}

/** A name in a proxy path: `name`, `name:port` or `scheme:name:port`. */
export interface ProxyName {
  readonly scheme: "http" | "https" | "";
  readonly name: string;
  readonly port: string;
}

/** Reads the name in a proxy path. Throws 400. */
export function parseProxyName(text: string, what: string): ProxyName {
  const parts = text.split(":");
  const [scheme, name, port] = parts.length === 1 ? ["", text, ""] : parts.length === 2 ? ["", ...parts] : parts;
  const known = scheme === "" || scheme === "http" || scheme === "https";
  if (!known || parts.length > 3 || name === undefined || isDns1123Subdomain(name).length > 0) {
    throw badRequest(`invalid ${what} request ${JSON.stringify(text)}`);
  }
  return { scheme, name, port: port ?? "" };
}

/** Throws 400 for addresses that only this machine means: a proxy must not lead to them. */
export function requireRoutable(address: string): void {
  if (!isIP(address) || isLocal(address)) throw badRequest("address not allowed");
}
