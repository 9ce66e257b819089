import type { corev1, discoveryv1 } from "../../api/index.ts";
import { type Family, formatIp, parseIp } from "../common/ip.ts";
import { isPodReady, isPodTerminal } from "../common/pods.ts";

const ZONE = "topology.kubernetes.io/zone";

/** Whether a pod can be an endpoint at all: not finished, and with an address. */
export function isEndpoint(pod: corev1.Pod): boolean {
  const { podIP = "", podIPs = [] } = pod.status;
  return !isPodTerminal(pod) && (podIP !== "" || podIPs.length > 0);
}

/** The address families that a Service has endpoints of. */
export function familiesOf(service: corev1.Service): Family[] {
  const families = (service.spec.ipFamilies ?? []).filter((family) => family !== "");
  if (families.length > 0) return families;
  const { clusterIP = "" } = service.spec;
  if (clusterIP === "" || clusterIP === "None") return ["IPv4", "IPv6"];
  return [parseIp(clusterIP)?.family ?? "IPv4"];
}

/** Whether the Service has no address of its own. */
export function isHeadless(service: corev1.Service): boolean {
  return service.spec.clusterIP === "None" || (service.spec.clusterIP ?? "") === "";
}

/** The number of the port that a Service port means on a pod; `undefined` when no container names it. */
export function targetPort(pod: corev1.Pod, port: corev1.ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const { name, protocol = "TCP", containerPort } of container.ports ?? []) {
      if (name === target && protocol === (port.protocol ?? "TCP")) return containerPort;
    }
  }
  return undefined;
}

/** The ports of a pod's endpoint. Service ports that mean nothing on this pod are left out. */
export function portsOf(service: corev1.Service, pod: corev1.Pod): discoveryv1.EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(pod, servicePort);
    if (port === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** The endpoint that a pod is for a Service in one address family; without addresses when it has none there. */
export function endpointOf(
  pod: corev1.Pod,
  node: corev1.Node | undefined,
  service: corev1.Service,
  family: Family,
): discoveryv1.Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { name, namespace, uid } = pod.metadata;
  const { nodeName = "", hostname = "", subdomain } = pod.spec;
  const zone = node?.metadata.labels?.[ZONE] ?? "";
  const named = hostname !== "" && subdomain === service.metadata.name;
  return {
    addresses: addressesOf(pod, family),
    conditions: { ready, serving, terminating },
    ...(named ? { hostname } : {}),
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(nodeName === "" ? {} : { nodeName }),
    ...(zone === "" ? {} : { zone }),
  };
}

function addressesOf(pod: corev1.Pod, family: Family): string[] {
  return (pod.status.podIPs ?? []).flatMap(({ ip }) => {
    const parsed = parseIp(ip);
    return parsed?.family === family ? [formatIp(parsed)] : [];
  });
}

/** What makes two endpoints the same one: where it is and which pod; readiness and place may change. */
export function endpointKey({ addresses, hostname = "", targetRef }: discoveryv1.Endpoint): string {
  return JSON.stringify([addresses.toSorted(), hostname, targetRef?.namespace ?? "", targetRef?.name ?? ""]);
}

/** Whether two endpoints of the same key are equal in everything that is written. */
export function sameEndpoint(a: discoveryv1.Endpoint, b: discoveryv1.Endpoint): boolean {
  return (
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.conditions.ready === b.conditions.ready &&
    a.conditions.serving === b.conditions.serving &&
    a.conditions.terminating === b.conditions.terminating &&
    a.targetRef?.kind === b.targetRef?.kind &&
    a.targetRef?.uid === b.targetRef?.uid
  );
}

/** What endpoints of one slice have in common: their ports, in any order. */
export function portsKey(ports: readonly discoveryv1.EndpointPort[] | undefined): string {
  const parts = (ports ?? []).map(({ name = "", port, protocol = "TCP", appProtocol = "" }) =>
    JSON.stringify([name, port, protocol, appProtocol]),
  );
  return parts.toSorted().join(",");
}

/** Whether a change of a pod can change endpoints, and whether it can change which Services select it. */
export function endpointChange(
  pod: corev1.Pod,
  before: corev1.Pod,
): { readonly any: boolean; readonly labels: boolean } {
  const labels =
    !sameRecord(pod.metadata.labels, before.metadata.labels) ||
    pod.spec.hostname !== before.spec.hostname ||
    pod.spec.subdomain !== before.spec.subdomain;
  const ips = (p: corev1.Pod): string => (p.status.podIPs ?? []).map(({ ip }) => ip).join(",");
  const any =
    labels ||
    pod.metadata.deletionTimestamp !== before.metadata.deletionTimestamp ||
    isPodReady(pod) !== isPodReady(before) ||
    isPodTerminal(pod) !== isPodTerminal(before) ||
    pod.spec.nodeName !== before.spec.nodeName ||
    ips(pod) !== ips(before);
  return { any, labels };
}

function sameRecord(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
