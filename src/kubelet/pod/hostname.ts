import type { Pod } from "./containers.ts";

const MAX_LABEL = 63;

export interface PodHostname {
  readonly hostname: string;
  /** Empty, or the domain below which DNS knows the host name. */
  readonly domain: string;
}

/** A pod's host name: what it says, or its name cut to a DNS label; its domain when it has a subdomain. */
export function podHostname(pod: Pod, clusterDomain: string): PodHostname {
  const { hostname, subdomain, hostnameOverride } = pod.spec;
  if (hostnameOverride) return { hostname: hostnameOverride, domain: "" };
  const name = hostname || pod.metadata.name.slice(0, MAX_LABEL).replace(/[-.]+$/, "");
  return { hostname: name, domain: subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : "" };
}

/** What the kernel is told: the fully qualified name when the pod wants it so. */
export function kernelHostname(pod: Pod, clusterDomain: string): string {
  const { hostname, domain } = podHostname(pod, clusterDomain);
  return pod.spec.setHostnameAsFQDN && domain !== "" ? `${hostname}.${domain}` : hostname;
}

const PREAMBLE = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

/** `/etc/hosts` of a pod; `hostFile` is the node's, for pods on the host network. */
export function hostsFile(pod: Pod, podIPs: readonly string[], clusterDomain: string, hostFile?: string): string {
  return (hostFile === undefined ? ownHosts(pod, podIPs, clusterDomain) : hostHosts(hostFile)) + aliases(pod);
}

function ownHosts(pod: Pod, podIPs: readonly string[], clusterDomain: string): string {
  const { hostname, domain } = podHostname(pod, clusterDomain);
  const names = domain === "" ? hostname : `${hostname}.${domain}\t${hostname}`;
  return PREAMBLE + podIPs.map((ip) => `${ip}\t${names}\n`).join("");
}

function hostHosts(file: string): string {
  return `# Kubernetes-managed hosts file (host network).\n${file}`;
}

function aliases(pod: Pod): string {
  const list = pod.spec.hostAliases ?? [];
  if (list.length === 0) return "";
  const lines = list.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join("\t")}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join("")}`;
}
