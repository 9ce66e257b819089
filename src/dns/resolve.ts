import type { corev1, discoveryv1 } from "../api/index.ts";
import { type Answer, type Data, type Question, RCODE, type ResourceRecord, TYPE } from "./message.ts";

/** What the cluster's names are made from; answered from caches, each look-up by key. */
export interface ClusterView {
  service(namespace: string, name: string): corev1.Service | undefined;
  slices(namespace: string, service: string): Iterable<discoveryv1.EndpointSlice>;
  hasNamespace(name: string): boolean;
  servicesByAddress(address: string): Iterable<corev1.Service>;
  slicesByAddress(address: string): Iterable<discoveryv1.EndpointSlice>;
}

/** What is to be done with a question: it is ours to answer, or others'. `follow` is an external name to be looked up too. */
export type Resolution =
  | { readonly kind: "answer"; readonly answer: Answer; readonly follow?: string }
  | { readonly kind: "forward" };

/** Seconds that answers may be kept, as in kubeadm's Corefile. */
const TTL = 30;
const VERSION = "1.1.0";

/** One address behind a service, with the name it has of its own. */
interface Backend {
  readonly address: string;
  readonly host: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

/**
 * Answers a question by the Kubernetes DNS specification 1.1.0: services, headless services and their endpoints, ports (SRV),
 * pods by address, and reverse look-ups. Pure: the same view and question give the same records in the same order.
 */
export function resolve(view: ClusterView, zone: string, question: Question): Resolution {
  const { name } = question;
  if (name === zone || name.endsWith(`.${zone}`)) {
    const labels = name === zone ? [] : name.slice(0, -zone.length - 1).split(".");
    return inZone(view, zone, question, labels);
  }
  const address = reverseAddress(name);
  const targets = address === undefined ? [] : reverseNames(view, zone, address);
  if (targets.length === 0) return { kind: "forward" };
  const records = targets.map((target): Data => ({ type: TYPE.PTR, target }));
  return found(zone, question, question.type === TYPE.PTR ? records : []);
}

function inZone(view: ClusterView, zone: string, question: Question, labels: readonly string[]): Resolution {
  const kind = labels.at(-1);
  if (kind === undefined) return found(zone, question, []);
  if (kind === "dns-version" && labels.length === 1) {
    return found(zone, question, question.type === TYPE.TXT ? [{ type: TYPE.TXT, text: VERSION }] : []);
  }
  const [namespace, object, ...rest] = labels.slice(0, -1).toReversed();
  if (kind === "pod") return podAnswer(view, zone, question, namespace, object, rest.length);
  if (kind !== "svc") return missing(zone);
  if (namespace === undefined) return found(zone, question, []);
  if (object === undefined) return view.hasNamespace(namespace) ? found(zone, question, []) : missing(zone);
  const service = view.service(namespace, object);
  return service ? serviceAnswer(view, zone, question, service, rest) : missing(zone);
}

/** `10-244-1-7.ns.pod.zone`: the address is in the name; only the namespace is checked (CoreDNS: `pods insecure`). */
function podAnswer(
  view: ClusterView,
  zone: string,
  question: Question,
  namespace?: string,
  dashed?: string,
  extra = 0,
): Resolution {
  if (namespace === undefined) return found(zone, question, []);
  if (!view.hasNamespace(namespace) || extra > 0) return missing(zone);
  if (dashed === undefined) return found(zone, question, []);
  const ipv4 = /^\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}$/.test(dashed);
  if (!ipv4 && !/^[\da-f-]*-[\da-f-]*$/.test(dashed)) return missing(zone);
  const address = dashed.replaceAll("-", ipv4 ? "." : ":");
  if (ipv4 && address.split(".").some((part) => Number(part) > 255)) return missing(zone);
  return found(zone, question, addresses([address], question.type));
}

/** `rest` are the labels left of the service's, nearest first: none, an endpoint's host, or `_proto` and `_port`. */
function serviceAnswer(
  view: ClusterView,
  zone: string,
  question: Question,
  service: corev1.Service,
  rest: readonly string[],
): Resolution {
  const base = `${service.metadata.name}.${service.metadata.namespace}.svc.${zone}`;
  if (service.spec.type === "ExternalName") {
    if (rest.length > 0) return missing(zone);
    const target = (service.spec.externalName ?? "").replace(/\.$/, "").toLowerCase();
    const resolution = found(zone, question, [{ type: TYPE.CNAME, target }]);
    return question.type === TYPE.CNAME ? resolution : { ...resolution, follow: target };
  }
  const headless = service.spec.clusterIP === "None";
  const backends = headless ? endpointsOf(view, service, base) : virtualBackends(service, base);
  const [first, second, ...more] = rest;
  if (more.length > 0) return missing(zone);
  if (second !== undefined && first !== undefined) return portAnswer(zone, question, backends, second, first);
  if (first !== undefined) {
    const named = headless ? backends.filter((b) => b.host === `${first}.${base}`) : [];
    return named.length === 0 ? missing(zone) : found(zone, question, addresses(unique(named), question.type));
  }
  if (headless && backends.length === 0) return missing(zone);
  if (question.type === TYPE.SRV) return srvAnswer(zone, question, backends, () => true);
  return found(zone, question, addresses(unique(backends), question.type));
}

function unique(backends: readonly Backend[]): string[] {
  return [...new Set(backends.map((b) => b.address))];
}

/** `_http._tcp.web.default.svc.zone`. */
function portAnswer(
  zone: string,
  question: Question,
  backends: readonly Backend[],
  portLabel: string,
  protoLabel: string,
): Resolution {
  if (!portLabel.startsWith("_") || !/^_(tcp|udp|sctp)$/.test(protoLabel)) return missing(zone);
  const [port, protocol] = [portLabel.slice(1), protoLabel.slice(1)];
  const matches = (p: Backend["ports"][number]): boolean => p.name === port && p.protocol === protocol;
  if (!backends.some((b) => b.ports.some(matches))) return missing(zone);
  return question.type === TYPE.SRV
    ? srvAnswer(zone, question, backends, matches)
    : found(zone, question, addresses(unique(backends), question.type));
}

function srvAnswer(
  zone: string,
  question: Question,
  backends: readonly Backend[],
  matches: (port: Backend["ports"][number]) => boolean,
): Resolution {
  const hits = backends.flatMap((b) => b.ports.filter(matches).map((p) => ({ port: p.port, target: b.host })));
  const targets = [...new Map(hits.map((hit) => [`${hit.port} ${hit.target}`, hit])).values()];
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
  const records = targets.map((hit): Data => ({ type: TYPE.SRV, priority: 0, weight, ...hit }));
  const additional = backends.map((b) => ({ name: b.host, ttl: TTL, data: address(b.address) }));
  const seen = new Map(additional.map((r) => [`${r.name} ${JSON.stringify(r.data)}`, r]));
  return found(zone, question, records, [...seen.values()]);
}

/** A service with cluster IPs is a backend of its own, under the service's name. */
function virtualBackends(service: corev1.Service, base: string): Backend[] {
  const ports = (service.spec.ports ?? []).map((p) => ({
    name: p.name ?? "",
    protocol: (p.protocol ?? "TCP").toLowerCase(),
    port: p.port,
  }));
  const ips = service.spec.clusterIPs ?? (service.spec.clusterIP ? [service.spec.clusterIP] : []);
  return ips.map((ip) => ({ address: ip, host: base, ports }));
}

function endpointsOf(view: ClusterView, service: corev1.Service, base: string): Backend[] {
  const backends: Backend[] = [];
  for (const slice of view.slices(service.metadata.namespace, service.metadata.name)) {
    if (slice.addressType === "FQDN") continue;
    const ports = (slice.ports ?? []).map((p) => ({
      name: p.name ?? "",
      protocol: (p.protocol ?? "TCP").toLowerCase(),
      port: p.port ?? 0,
    }));
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions.ready === false) continue;
      for (const address of endpoint.addresses)
        backends.push({ address, host: `${hostOf(endpoint, address)}.${base}`, ports });
    }
  }
  return backends;
}

function hostOf(endpoint: discoveryv1.Endpoint, address: string): string {
  return (endpoint.hostname || address.replaceAll(/[.:]/g, "-")).toLowerCase();
}

function address(text: string): Data {
  return { type: text.includes(":") ? TYPE.AAAA : TYPE.A, address: text };
}

function addresses(texts: readonly string[], type: number): Data[] {
  return texts.map(address).filter((data) => type === data.type || type === TYPE.ANY);
}

/** `4.3.2.1.in-addr.arpa` → `1.2.3.4`; the 32 nibbles of ip6.arpa likewise. */
function reverseAddress(name: string): string | undefined {
  if (name.endsWith(".in-addr.arpa")) {
    const parts = name.slice(0, -".in-addr.arpa".length).split(".");
    return parts.length === 4 ? parts.toReversed().join(".") : undefined;
  }
  if (!name.endsWith(".ip6.arpa")) return undefined;
  const nibbles = name.slice(0, -".ip6.arpa".length).split(".").toReversed().join("");
  if (nibbles.length !== 32) return undefined;
  return compressIPv6(nibbles.match(/.{4}/g) ?? []);
}

/** The canonical text of an IPv6 address (RFC 5952), which is how the API writes it; the URL parser knows the rules. */
function compressIPv6(words: readonly string[]): string | undefined {
  const url = `http://[${words.join(":")}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined;
}

function reverseNames(view: ClusterView, zone: string, address: string): string[] {
  const services = [...view.servicesByAddress(address)].map(
    (s) => `${s.metadata.name}.${s.metadata.namespace}.svc.${zone}`,
  );
  if (services.length > 0) return services;
  const names: string[] = [];
  for (const slice of view.slicesByAddress(address)) {
    const service = slice.metadata.labels?.["kubernetes.io/service-name"];
    const owner = service ? view.service(slice.metadata.namespace, service) : undefined;
    if (owner?.spec.clusterIP !== "None") continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (!endpoint.addresses.includes(address)) continue;
      names.push(`${hostOf(endpoint, address)}.${service}.${slice.metadata.namespace}.svc.${zone}`);
    }
  }
  return [...new Set(names)];
}

function found(zone: string, question: Question, data: readonly Data[], additional: readonly ResourceRecord[] = []) {
  const answers = data.map((d) => ({ name: question.name, ttl: TTL, data: d }));
  const authority = answers.length === 0 ? [soa(zone)] : [];
  const answer: Answer = { rcode: RCODE.ok, authoritative: true, answers, authority, additional };
  return { kind: "answer" as const, answer };
}

function missing(zone: string): Resolution {
  const answer: Answer = {
    rcode: RCODE.nxDomain,
    authoritative: true,
    answers: [],
    authority: [soa(zone)],
    additional: [],
  };
  return { kind: "answer", answer };
}

function soa(zone: string): ResourceRecord {
  return {
    name: zone,
    ttl: TTL,
    data: { type: TYPE.SOA, primary: `ns.dns.${zone}`, mailbox: `hostmaster.${zone}`, serial: 1 },
  };
}
