import type { corev1, discoveryv1, networkingv1 } from "../../../api/index.ts";
import { formatLabelSelector } from "../../../machinery/index.ts";
import { age, type Cells, formatLabels, hostPort, orNone, withMore } from "./words.ts";

/** `services`. */
export const serviceCells: Cells<corev1.Service> = (service, now) => [
  service.metadata.name,
  service.spec.type ?? "",
  orNone(service.spec.clusterIPs?.[0]),
  externalIp(service),
  orNone((service.spec.ports ?? []).map(portText).join(",")),
  age(service, now),
  formatLabels(service.spec.selector),
];

function portText({ port, nodePort, protocol }: corev1.ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}

function externalIp({ spec, status }: corev1.Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ClusterIP":
    case "NodePort":
      return orNone(external.join(","));
    case "LoadBalancer": {
      const all = [...ingressAddresses(status.loadBalancer?.ingress), ...external];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return "<unknown>";
  }
}

function ingressAddresses(ingress: readonly { ip?: string; hostname?: string }[] | undefined): string[] {
  const all = (ingress ?? []).map((one) => one.ip || one.hostname || "").filter((text) => text !== "");
  return [...new Set(all)].toSorted();
}

/** `endpoints`. */
export const endpointsCells: Cells<corev1.Endpoints> = (endpoints, now) => [
  endpoints.metadata.name,
  withMore((endpoints.subsets ?? []).flatMap(subsetAddresses), 3, endpoints.subsets?.length ? "" : "<none>"),
  age(endpoints, now),
];

function subsetAddresses({ addresses = [], ports = [] }: corev1.EndpointSubset): string[] {
  if (ports.length === 0) return addresses.map((a) => a.ip);
  return ports.flatMap(({ port }) => addresses.map((a) => hostPort(a.ip, port)));
}

/** `endpointslices.discovery.k8s.io`. */
export const endpointSliceCells: Cells<discoveryv1.EndpointSlice> = (slice, now) => [
  slice.metadata.name,
  slice.addressType,
  withMore(
    (slice.ports ?? []).map(({ port, name }) => String(port ?? name ?? "*")),
    3,
    "<unset>",
  ),
  withMore(
    slice.endpoints.flatMap((e) => e.addresses),
    3,
    "<unset>",
  ),
  age(slice, now),
];

/** `ingresses.networking.k8s.io`. */
export const ingressCells: Cells<networkingv1.Ingress> = (ingress, now) => [
  ingress.metadata.name,
  ingress.spec.ingressClassName ?? "<none>",
  hosts(ingress.spec.rules ?? []),
  ingressAddresses(ingress.status.loadBalancer?.ingress).join(","),
  ingress.spec.tls?.length ? "80, 443" : "80",
  age(ingress, now),
];

const MAX_HOSTS = 3;

function hosts(rules: readonly networkingv1.IngressRule[]): string {
  const named: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (named.length === MAX_HOSTS) more = true;
    else if (host) named.push(host);
  }
  if (named.length === 0) return "*";
  return more ? `${named.join(",")} + ${rules.length - MAX_HOSTS} more...` : named.join(",");
}

/** `ingressclasses.networking.k8s.io`. */
export const ingressClassCells: Cells<networkingv1.IngressClass> = ({ metadata, spec }, now) => {
  const p = spec.parameters;
  const kind = p && (p.apiGroup === undefined ? p.kind : `${p.kind}.${p.apiGroup}`);
  return [metadata.name, spec.controller ?? "", p ? `${kind}/${p.name}` : "<none>", age({ metadata }, now)];
};

/** `networkpolicies.networking.k8s.io`. */
export const networkPolicyCells: Cells<networkingv1.NetworkPolicy> = (policy, now) => [
  policy.metadata.name,
  formatLabelSelector(policy.spec.podSelector ?? {}),
  age(policy, now),
];

/** `servicecidrs.networking.k8s.io`. */
export const serviceCidrCells: Cells<networkingv1.ServiceCIDR> = (cidr, now) => [
  cidr.metadata.name,
  (cidr.spec.cidrs ?? []).join(","),
  age(cidr, now),
];

/** `ipaddresses.networking.k8s.io`; upstream sends the age without a column for it. */
export const ipAddressCells: Cells<networkingv1.IPAddress> = ({ metadata, spec }, now) => {
  const ref = spec.parentRef as networkingv1.ParentReference | undefined;
  const resource = ref && (ref.group ? `${ref.resource}.${ref.group}` : (ref.resource ?? "")).toLowerCase();
  const name = ref && [resource, ...(ref.namespace ? [ref.namespace] : []), ref.name].join("/");
  return [metadata.name, name ?? "<none>", age({ metadata }, now)];
};
