import type { corev1 } from "../../api/index.ts";

type Service = corev1.Service;
const MASTER_NAMESPACE = "default";
const MASTER_SERVICE = "kubernetes";

/**
 * The variables that tell a pod of the services of its namespace (unless it declines) and, always, of the API server's.
 * Services without an address of their own have none.
 */
export function serviceEnvironment(
  services: Iterable<Service>,
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const byName = new Map<string, Service>();
  for (const service of services) {
    const { clusterIP } = service.spec;
    if (!clusterIP || clusterIP === "None") continue;
    const { name, namespace: where } = service.metadata;
    if (where === MASTER_NAMESPACE && name === MASTER_SERVICE) {
      if (!byName.has(name)) byName.set(name, service);
    } else if (where === namespace && enableServiceLinks) byName.set(name, service);
  }
  const out = new Map<string, string>();
  for (const service of byName.values()) addService(out, service);
  return out;
}

function addService(out: Map<string, string>, service: Service): void {
  const prefix = variableName(service.metadata.name);
  const ip = service.spec.clusterIP ?? "";
  const ports = service.spec.ports ?? [];
  const [first] = ports;
  if (!first) return;
  out.set(`${prefix}_SERVICE_HOST`, ip);
  out.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name) out.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
  }
  const host = ip.includes(":") ? `[${ip}]` : ip;
  for (const port of ports) {
    const protocol = port.protocol ?? "TCP";
    const url = `${protocol.toLowerCase()}://${host}:${port.port}`;
    const link = `${prefix}_PORT_${port.port}_${protocol}`;
    if (port === first) out.set(`${prefix}_PORT`, url);
    out.set(link, url);
    out.set(`${link}_PROTO`, protocol.toLowerCase());
    out.set(`${link}_PORT`, String(port.port));
    out.set(`${link}_ADDR`, ip);
  }
}

function variableName(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}
