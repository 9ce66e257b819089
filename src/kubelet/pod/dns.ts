import type { DNSConfig, Sent } from "../../host/cri/index.ts";
import { type Pod, isHostNetwork } from "./containers.ts";

export interface DnsSettings {
  /** Addresses of the cluster's DNS; without any, ClusterFirst pods get the node's resolver. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolver. */
  readonly host: HostResolver;
}

export interface HostResolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** Reads a resolv.conf (resolv.conf(5)); the last `search` counts. */
export function parseResolvConf(text: string): HostResolver {
  const nameservers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split("\n")) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === "nameserver" && values[0]) nameservers.push(values[0]);
    else if (key === "search") searches = values.map((v) => (v === "." ? v : v.replace(/\.$/, "")));
    else if (key === "options") options = values;
  }
  return { nameservers, searches, options };
}

/** The resolver of a pod: what its policy gives, with its own `dnsConfig` added. */
export function podDns(pod: Pod, settings: DnsSettings): Sent<DNSConfig> {
  const base = byPolicy(pod, settings);
  const own = pod.spec.dnsConfig;
  if (!own) return base;
  const options = (own.options ?? []).map((o) => (o.value ? `${o.name}:${o.value}` : (o.name ?? "")));
  const overridden = new Set(options.map(optionName));
  return {
    servers: unique([...base.servers, ...(own.nameservers ?? [])]),
    searches: unique([...base.searches, ...(own.searches ?? [])]),
    options: [...base.options.filter((o) => !overridden.has(optionName(o))), ...options],
  };
}

interface Resolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

function byPolicy(pod: Pod, { clusterDns, clusterDomain, host }: DnsSettings): Resolver {
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { servers: [], searches: [], options: [] };
  const cluster = policy === "ClusterFirstWithHostNet" || (policy === "ClusterFirst" && !isHostNetwork(pod));
  if (!cluster || clusterDns.length === 0) {
    return { servers: host.nameservers, searches: host.searches, options: host.options };
  }
  const own =
    clusterDomain === ""
      ? []
      : [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return { servers: clusterDns, searches: unique([...own, ...host.searches]), options: ["ndots:5"] };
}

function optionName(option: string): string {
  return option.split(":")[0] ?? option;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
