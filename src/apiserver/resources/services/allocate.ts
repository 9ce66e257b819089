import type { corev1 } from "../../../api/index.ts";
import { type FieldError, internalError, invalid, invalidValue } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import type { IpFamily, ServiceAllocators } from "./allocators.ts";
import { needsHealthCheck, sameList } from "./facts.ts";
import { initFamilies, isUnchangedPreferDualStack } from "./families.ts";

type Service = corev1.Service;
const KIND = { group: "", kind: "Service" };

/** What one request has claimed, and how to give it back. */
class Claims {
  readonly #allocators: ServiceAllocators;
  readonly #owner: string;
  readonly #undo: (() => void)[] = [];

  constructor(allocators: ServiceAllocators, owner: string) {
    this.#allocators = allocators;
    this.#owner = owner;
  }

  /** Takes `ip`, or any address when it is empty. */
  ip(service: Service, family: IpFamily, ip: string): string {
    const allocator = this.#allocators.ips(family);
    if (!allocator) throw internalError(`no allocator for service addresses of family ${family}`);
    if (ip === "") {
      const next = allocator.next(this.#owner);
      if (next === undefined) throw internalError("failed to allocate a serviceIP: range is full");
      this.#undo.push(() => allocator.release(next, this.#owner));
      return next;
    }
    const outcome = allocator.claim(ip, this.#owner);
    if (outcome === "ok") {
      this.#undo.push(() => allocator.release(ip, this.#owner));
      return ip;
    }
    const why =
      outcome === "taken"
        ? "provided IP is already allocated"
        : `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${allocator.cidr}`;
    const words = `failed to allocate IP ${ip}: ${why}`;
    throw refuse(service, invalidValue("spec.clusterIPs", service.spec.clusterIPs ?? [], words));
  }

  port(service: Service, path: string, port: number): void {
    const outcome = this.#allocators.nodePorts.claim(port, this.#owner);
    if (outcome !== "ok") throw refuse(service, invalidValue(path, port, portProblem(outcome, this.#allocators)));
    this.#undo.push(() => this.#allocators.nodePorts.release(port, this.#owner));
  }

  nextPort(what: string): number {
    const port = this.#allocators.nodePorts.next(this.#owner);
    if (port === undefined) throw internalError(`failed to allocate a ${what}: range is full`);
    this.#undo.push(() => this.#allocators.nodePorts.release(port, this.#owner));
    return port;
  }

  healthCheckPort(service: Service): void {
    const wanted = service.spec.healthCheckNodePort ?? 0;
    if (wanted === 0) {
      service.spec.healthCheckNodePort = this.nextPort("HealthCheck NodePort 0");
      return;
    }
    const outcome = this.#allocators.nodePorts.claim(wanted, this.#owner);
    if (outcome !== "ok") {
      const why = portProblem(outcome, this.#allocators);
      throw internalError(`failed to allocate requested HealthCheck NodePort ${wanted}: ${why}`);
    }
    this.#undo.push(() => this.#allocators.nodePorts.release(wanted, this.#owner));
  }

  release(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}

function portProblem(outcome: "taken" | "outside", allocators: ServiceAllocators): string {
  return outcome === "taken"
    ? "provided port is already allocated"
    : `provided port is not in the valid range. The range of valid ports is ${allocators.nodePorts.range}`;
}

function refuse(service: Service, ...errors: FieldError[]): Error {
  return invalid(KIND, service.metadata.name, errors);
}

/**
 * Fills in a service's families, addresses and ports, claiming each. Answers how to give them back; once the service is
 * seen stored they are its own. Nothing stays claimed when this throws, or in a dry run.
 */
export function allocate(
  allocators: ServiceAllocators,
  service: Service,
  old: Service | undefined,
  dryRun: boolean,
): () => void {
  const claims = new Claims(allocators, `${service.metadata.namespace}/${service.metadata.name}`);
  try {
    if (old) keepAllocated(service, old);
    normalizeIps(service, old);
    const errors: Errors = [];
    initFamilies(errors, allocators.families, service, old);
    if (errors.length > 0) throw refuse(service, ...errors);
    if (old) updateIps(claims, service, old);
    else takeIps(claims, service);
    if (old) updatePorts(claims, service, old);
    else takePorts(claims, service);
  } catch (error) {
    claims.release();
    throw error;
  }
  if (dryRun) claims.release();
  return () => claims.release();
}

/** What an update leaves out stays as it was allocated. */
function keepAllocated({ spec }: Service, { spec: old }: Service): void {
  if (spec.type !== "ExternalName" && old.type !== "ExternalName") {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if ((spec.clusterIPs?.length ?? 0) === 0 && old.clusterIPs) spec.clusterIPs = [...old.clusterIPs];
  }
  if (takesNodePorts(spec) && takesNodePorts(old)) {
    const ports = (s: corev1.ServiceSpec): number[] => (s.ports ?? []).map((p) => p.nodePort ?? 0);
    const kept = new Set(ports(old).filter((p) => ports(spec).includes(p)));
    const byName = new Map((old.ports ?? []).map((p) => [p.name ?? "", p.nodePort]));
    for (const port of spec.ports ?? []) {
      const before = byName.get(port.name ?? "");
      if (!port.nodePort && before && !kept.has(before)) port.nodePort = before;
    }
  }
  const checks = (s: corev1.ServiceSpec): boolean => s.type === "LoadBalancer" && s.externalTrafficPolicy === "Local";
  if (checks(spec) && checks(old) && !spec.healthCheckNodePort && old.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

function takesNodePorts(spec: corev1.ServiceSpec): boolean {
  return spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}

/** Makes `clusterIP` and `clusterIPs` agree for callers who know only one of them. */
export function normalizeIps({ spec }: Service, old: Service | undefined): void {
  const [ip, ips] = [spec.clusterIP ?? "", spec.clusterIPs ?? []];
  if (!old) {
    if (ip !== "" && ips.length === 0) spec.clusterIPs = [ip];
    return;
  }
  const [oldIp, oldIps] = [old.spec.clusterIP ?? "", old.spec.clusterIPs ?? []];
  if (oldIps.length > 0 && ips.length === 0 && oldIp === ip) spec.clusterIPs = [...oldIps];
  if (oldIp === ip || !sameList(oldIps, spec.clusterIPs)) return;
  if (oldIp !== "" && ip === "") delete spec.clusterIPs;
  else spec.clusterIPs = [ip];
}

function takeIps(claims: Claims, service: Service): void {
  const { spec } = service;
  if (spec.type === "ExternalName" || spec.clusterIPs?.[0] === "None") return;
  const ips = spec.clusterIPs ?? [];
  for (const [i, family] of (spec.ipFamilies ?? []).entries())
    ips[i] = claims.ip(service, family as IpFamily, ips[i] ?? "");
  spec.clusterIPs = ips;
  if (ips[0] !== undefined) spec.clusterIP = ips[0];
}

/** What is no longer used is free once the service is seen stored without it. */
function updateIps(claims: Claims, service: Service, old: Service): void {
  if (isUnchangedPreferDualStack(service, old)) return;
  if (old.spec.type === "ExternalName" && service.spec.type !== "ExternalName") return takeIps(claims, service);
  if (service.spec.type === "ExternalName" || old.spec.clusterIPs?.[0] === "None") return;
  const [before, after] = [old.spec.ipFamilies ?? [], service.spec.ipFamilies ?? []];
  if (before.length !== 1 || after.length !== 2) return;
  const ips = service.spec.clusterIPs ?? [];
  ips[1] = claims.ip(service, after[1] as IpFamily, ips[1] ?? "");
  service.spec.clusterIPs = ips;
}

function takePorts(claims: Claims, service: Service): void {
  const { spec } = service;
  if (spec.type === "NodePort" || spec.type === "LoadBalancer") takeNodePorts(claims, service);
  if (needsHealthCheck(service)) claims.healthCheckPort(service);
}

/** Ports of the same number in several protocols share their node port, unless they say otherwise. */
function takeNodePorts(claims: Claims, service: Service): void {
  const ports = service.spec.ports ?? [];
  const byPort = new Map<number, number>();
  for (const [i, port] of ports.entries()) {
    const wanted = port.nodePort ?? 0;
    if (wanted === 0 && !takesNodePorts(service.spec)) continue;
    const path = `spec.ports[${i}].nodePort`;
    const shared = byPort.get(port.port);
    if (shared === undefined) {
      const asked = ports.find((p) => p.port === port.port && p.nodePort)?.nodePort ?? 0;
      if (asked !== 0) claims.port(service, path, asked);
      port.nodePort = asked !== 0 ? asked : claims.nextPort("nodePort");
      byPort.set(port.port, port.nodePort);
    } else if (wanted === 0) port.nodePort = shared;
    else if (wanted !== shared) claims.port(service, path, wanted);
  }
}

function updatePorts(claims: Claims, service: Service, old: Service): void {
  const { spec } = service;
  if (spec.type === "NodePort" || spec.type === "LoadBalancer") {
    const before = new Set((old.spec.ports ?? []).map((p) => p.nodePort));
    const taken = new Set<string>();
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort && !takesNodePorts(spec)) continue;
      if (!port.nodePort) port.nodePort = claims.nextPort("nodePort");
      else if (!before.has(port.nodePort)) claims.port(service, `spec.ports[${i}].nodePort`, port.nodePort);
      const key = `${port.protocol ?? ""} ${port.nodePort}`;
      if (taken.has(key)) throw internalError(`duplicate nodePort: {${port.protocol ?? ""} ${port.nodePort}}`);
      taken.add(key);
    }
  }
  if (needsHealthCheck(service) && !needsHealthCheck(old)) claims.healthCheckPort(service);
}
