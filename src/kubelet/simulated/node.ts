import type { coordinationv1, corev1, Draft } from "../../api/index.ts";
import { formatMicroTime, formatTime } from "../../machinery/index.ts";

/** What a simulated node claims to be. */
export interface SimulatedNode {
  readonly name: string;
  /** Quantities by resource name. Default: 32 CPUs, 256Gi, 110 pods. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly corev1.Taint[];
  /** Default: an address out of 10.0.0.0/8 that follows from `index`. */
  readonly address?: string;
}

/** Seconds a node's Lease is good for: upstream's nodeLeaseDurationSeconds. */
const LEASE_SECONDS = 40;
export const LEASE_NAMESPACE = "kube-node-lease";
const CAPACITY = { cpu: "32", memory: "256Gi", pods: "110", "ephemeral-storage": "1Ti" };

/** The Node object under which a simulated node registers. `now` in milliseconds since the epoch. */
export function nodeObject(node: SimulatedNode, index: number, now: number): Draft<corev1.Node> {
  return {
    metadata: {
      name: node.name,
      labels: {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
        "node.k8ts.dev/simulated": "true",
        ...node.labels,
      },
      annotations: { "node.alpha.kubernetes.io/ttl": "0" },
    },
    spec: { ...(node.taints && { taints: [...node.taints] }) },
    status: nodeStatus(node, index, now),
  };
}

/** The status that a healthy simulated node reports. */
export function nodeStatus(node: SimulatedNode, index: number, now: number): Draft<corev1.NodeStatus> {
  const capacity = { ...CAPACITY, ...node.capacity };
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: "InternalIP", address: addressOf(node, index) },
      { type: "Hostname", address: node.name },
    ],
    conditions: conditions(now),
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: "amd64",
      operatingSystem: "linux",
      kubeletVersion: "v1.35.2",
      kubeProxyVersion: "",
      containerRuntimeVersion: "k8ts-simulated://1",
      kernelVersion: "simulated",
      osImage: "simulated",
      machineID: node.name,
      systemUUID: node.name,
      bootID: node.name,
    },
  };
}

/** The node's own address: also that of its host-network pods. */
export function addressOf(node: SimulatedNode, index: number): string {
  return node.address ?? `10.${(index >> 14) & 127}.${(index >> 7) & 127}.${(index & 127) + 1}`;
}

function conditions(now: number): corev1.NodeCondition[] {
  const time = { lastHeartbeatTime: formatTime(now), lastTransitionTime: formatTime(now) };
  const healthy = (type: string, reason: string, message: string): corev1.NodeCondition =>
    ({ type, status: "False", reason, message, ...time }) as corev1.NodeCondition;
  return [
    healthy("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    healthy("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    healthy("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status", ...time },
  ];
}

/** The heartbeat of a node, owned by it so that it goes with it. */
export function leaseObject(
  node: { readonly name: string; readonly uid: string },
  now: number,
): Draft<coordinationv1.Lease> {
  return {
    metadata: {
      name: node.name,
      namespace: LEASE_NAMESPACE,
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: node.name, uid: node.uid }],
    },
    spec: { holderIdentity: node.name, leaseDurationSeconds: LEASE_SECONDS, renewTime: formatMicroTime(now) },
  };
}
