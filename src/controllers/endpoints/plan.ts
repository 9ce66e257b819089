import type { corev1 } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import { formatIp, parseIp } from "../common/ip.ts";
import { isPodReady } from "../common/pods.ts";
import { isEndpoint, isHeadless, targetPort } from "../endpointslice/endpoint.ts";
import { HEADLESS } from "../endpointslice/plan.ts";
import { countAddresses, repackSubsets, truncateSubsets } from "./subsets.ts";

type Service = corev1.Service;
type Endpoints = corev1.Endpoints;
type Subset = corev1.EndpointSubset;

const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const CONTROLLER = "endpoint-controller";
const TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time";
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";
/** The most addresses that an Endpoints object holds. */
const CAPACITY = 1000;

/** The subsets of a Service: every pod that it selects, by port. */
export function subsetsOf(service: Service, pods: Iterable<corev1.Pod>): Subset[] {
  const subsets: Subset[] = [];
  const tolerant = service.spec.publishNotReadyAddresses === true;
  for (const pod of pods) {
    if (!isEndpoint(pod) || (pod.metadata.deletionTimestamp !== undefined && !tolerant)) continue;
    const address = addressOf(service, pod);
    if (address === undefined) continue;
    const ready = tolerant || isPodReady(pod);
    for (const ports of portSets(service, pod)) {
      subsets.push({ ...(ready ? { addresses: [address] } : { notReadyAddresses: [address] }), ports });
    }
  }
  return repackSubsets(subsets);
}

/** One list a Service port; for a headless Service without ports one empty list. */
function portSets(service: Service, pod: corev1.Pod): corev1.EndpointPort[][] {
  const ports = service.spec.ports ?? [];
  if (ports.length === 0) return service.spec.clusterIP === "None" ? [[]] : [];
  return ports.flatMap((servicePort) => {
    const port = targetPort(pod, servicePort);
    if (port === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return [
      [{ ...(name === "" ? {} : { name }), port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }],
    ];
  });
}

/** The pod's address in the Service's first family. */
function addressOf(service: Service, pod: corev1.Pod): corev1.EndpointAddress | undefined {
  const { podIP = "", podIPs = [] } = pod.status;
  const family =
    service.spec.ipFamilies?.[0] ?? parseIp(service.spec.clusterIP ?? "")?.family ?? parseIp(podIP)?.family;
  const ips = podIPs.length > 0 ? podIPs.map(({ ip }) => ip) : [podIP];
  const ip = ips.map((text) => parseIp(text)).find((parsed) => parsed?.family === family);
  if (ip === undefined) return undefined;
  const { name, namespace, uid } = pod.metadata;
  const { nodeName, hostname = "", subdomain } = pod.spec;
  return {
    ip: formatIp(ip),
    ...(hostname !== "" && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

/** What becomes of the Endpoints of a Service: `undefined` when they are as they should be. */
export function planEndpoints(
  service: Service,
  pods: Iterable<corev1.Pod>,
  current: Endpoints | undefined,
  triggerTime: string | undefined,
): Pick<Endpoints, "metadata" | "subsets"> | undefined {
  const subsets = subsetsOf(service, pods);
  if (current !== undefined && isUpToDate(service, subsets, current)) return undefined;
  const { [TRIGGER_TIME]: _t, [OVER_CAPACITY]: _o, ...annotations } = current?.metadata.annotations ?? {};
  const fitting = truncateSubsets(subsets, CAPACITY);
  if (triggerTime !== undefined) annotations[TRIGGER_TIME] = triggerTime;
  if (fitting !== subsets) annotations[OVER_CAPACITY] = "truncated";
  const { [HEADLESS]: _h, ...labels } = service.metadata.labels ?? {};
  if (isHeadless(service)) labels[HEADLESS] = "";
  labels[MANAGED_BY] = CONTROLLER;
  const { name, namespace } = service.metadata;
  const base = current?.metadata ?? ({ name, namespace } as Endpoints["metadata"]);
  return { metadata: { ...base, labels, annotations }, ...(fitting.length === 0 ? {} : { subsets: [...fitting] }) };
}

function isUpToDate(service: Service, subsets: readonly Subset[], current: Endpoints): boolean {
  const { labels = {}, annotations = {} } = current.metadata;
  const { [MANAGED_BY]: managedBy, [HEADLESS]: _h, ...plain } = labels;
  const { [HEADLESS]: _s, ...wanted } = service.metadata.labels ?? {};
  const { ready, notReady } = countAddresses(subsets);
  return (
    managedBy === CONTROLLER &&
    deepEqual(plain, wanted) &&
    ready + notReady <= CAPACITY &&
    !(OVER_CAPACITY in annotations) &&
    deepEqual(repackSubsets(withoutVersions(current.subsets ?? [])), subsets)
  );
}

function withoutVersions(subsets: readonly Subset[]): Subset[] {
  const strip = (address: corev1.EndpointAddress): corev1.EndpointAddress => {
    if (address.targetRef?.resourceVersion === undefined) return address;
    const { resourceVersion: _, ...targetRef } = address.targetRef;
    return { ...address, targetRef };
  };
  return subsets.map((subset) => ({
    ...subset,
    ...(subset.addresses === undefined ? {} : { addresses: subset.addresses.map(strip) }),
    ...(subset.notReadyAddresses === undefined ? {} : { notReadyAddresses: subset.notReadyAddresses.map(strip) }),
  }));
}
