import type { corev1, discoveryv1 } from "../api/index.ts";

/** How one Service port is to be served on this node: what kube-proxy decides, before any word of nftables. */
export interface PortRules {
  /** `namespace/name:port`. */
  readonly name: string;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly family: Family;
  readonly frontends: readonly Frontend[];
  /** Seconds a client sticks to its backend; absent: no affinity. */
  readonly affinity?: number;
}

export type Family = "ip" | "ip6";

/** Where connections arrive, and where they may go from there. */
export interface Frontend {
  readonly kind: "cluster" | "external" | "node";
  /** Absent for node ports. */
  readonly address?: string;
  readonly port: number;
  readonly backends: readonly Backend[];
  /** Hide the client's address, so that answers come back through this node. */
  readonly masquerade: boolean;
  /** With no backend: refuse the connection, or stay silent (a Local policy whose endpoints are elsewhere). */
  readonly whenEmpty: "reject" | "drop";
}

export interface Backend {
  readonly address: string;
  readonly port: number;
  /** On this node: may be asked by itself, through its own service. */
  readonly local: boolean;
}

/** An endpoint of a service with what decides whether it is used. */
interface Candidate extends Backend {
  readonly ready: boolean;
  /** Ready or still draining: used when nothing is ready (KEP-1669). */
  readonly serving: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/** What the rules depend on besides the API objects. */
export interface NodeContext {
  readonly nodeName: string;
  readonly zone?: string;
}

/** The rules of all ports and families of one Service, from it and its slices alone. Pure; same input, same order. */
export function serviceRules(
  service: corev1.Service,
  slices: readonly discoveryv1.EndpointSlice[],
  context: NodeContext,
): PortRules[] {
  const { spec, metadata } = service;
  if (spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") return [];
  if (metadata.labels?.["service.kubernetes.io/service-proxy-name"] !== undefined) return [];
  const rules: PortRules[] = [];
  for (const port of spec.ports ?? []) {
    for (const family of familiesOf(service)) {
      const candidates = candidatesOf(port, slices, family, context);
      const affinity =
        spec.sessionAffinity === "ClientIP"
          ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
          : undefined;
      rules.push({
        name: `${metadata.namespace}/${metadata.name}:${port.name ?? ""}`,
        protocol: (port.protocol ?? "TCP").toLowerCase() as PortRules["protocol"],
        family,
        frontends: frontendsOf(service, port, family, candidates, context),
        ...(affinity !== undefined && { affinity }),
      });
    }
  }
  return rules;
}

function familyOf(address: string): Family {
  return address.includes(":") ? "ip6" : "ip";
}

function familiesOf(service: corev1.Service): Family[] {
  return [...new Set((service.spec.clusterIPs ?? [service.spec.clusterIP ?? ""]).map(familyOf))];
}

function candidatesOf(
  port: corev1.ServicePort,
  slices: readonly discoveryv1.EndpointSlice[],
  family: Family,
  context: NodeContext,
): Candidate[] {
  const byAddress = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== (family === "ip" ? "IPv4" : "IPv6")) continue;
    const target = (slice.ports ?? []).find(
      (p) => (p.name ?? "") === (port.name ?? "") && (p.protocol ?? "TCP") === (port.protocol ?? "TCP"),
    );
    if (target?.port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = endpoint.addresses;
      if (address === undefined) continue;
      const { ready, serving, terminating } = endpoint.conditions;
      byAddress.set(`${address} ${target.port}`, {
        address,
        port: target.port,
        local: endpoint.nodeName === context.nodeName,
        ready: ready !== false,
        serving: serving !== false && terminating === true,
        zones: (endpoint.hints?.forZones ?? []).map((z) => z.name),
        nodes: (endpoint.hints?.forNodes ?? []).map((n) => n.name),
      });
    }
  }
  return [...byAddress.values()].toSorted((a, b) =>
    a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port,
  );
}

function frontendsOf(
  service: corev1.Service,
  port: corev1.ServicePort,
  family: Family,
  candidates: readonly Candidate[],
  context: NodeContext,
): Frontend[] {
  const { spec } = service;
  const everywhere = usable(byTopology(candidates, context));
  const here = usable(candidates.filter((c) => c.local));
  const inside = spec.internalTrafficPolicy === "Local" ? here : everywhere;
  const localOnly = spec.externalTrafficPolicy === "Local";
  const outside = localOnly ? here : everywhere;
  const whenEmpty = localOnly && everywhere.length > 0 ? "drop" : "reject";
  const addresses = (list: readonly (string | undefined)[]): string[] =>
    list.filter((a): a is string => !!a && familyOf(a) === family);
  const clusterIPs = addresses(spec.clusterIPs ?? [spec.clusterIP]);
  const balancers = (service.status.loadBalancer?.ingress ?? []).filter((i) => i.ipMode !== "Proxy").map((i) => i.ip);
  const externals = [...new Set(addresses([...(spec.externalIPs ?? []), ...balancers]))];
  const external = { backends: outside, masquerade: !localOnly, whenEmpty } as const;
  return [
    ...clusterIPs.map((address): Frontend => ({
      kind: "cluster",
      address,
      port: port.port,
      backends: inside,
      masquerade: false,
      whenEmpty: "reject",
    })),
    ...externals.map((address): Frontend => ({ kind: "external", address, port: port.port, ...external })),
    ...(port.nodePort ? [{ kind: "node", port: port.nodePort, ...external } as const] : []),
  ];
}

/** Ready ones; when there is none, those that still serve while they end. */
function usable(candidates: readonly Candidate[]): Backend[] {
  const ready = candidates.filter((c) => c.ready);
  const chosen = ready.length > 0 ? ready : candidates.filter((c) => c.serving);
  return chosen.map(({ address, port, local }) => ({ address, port, local }));
}

/** Hints narrow the choice only when every ready endpoint has them and one is meant for us (KEP-2433, KEP-3015). */
function byTopology(candidates: readonly Candidate[], context: NodeContext): readonly Candidate[] {
  const ready = candidates.filter((c) => c.ready);
  const narrow = (
    of: (c: Candidate) => readonly string[],
    mine: string | undefined,
  ): readonly Candidate[] | undefined => {
    if (mine === undefined || ready.length === 0 || ready.some((c) => of(c).length === 0)) return undefined;
    const near = ready.filter((c) => of(c).includes(mine));
    return near.length > 0 ? near : undefined;
  };
  return narrow((c) => c.nodes, context.nodeName) ?? narrow((c) => c.zones, context.zone) ?? candidates;
}
