import type { corev1 } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";
import type { Image, RuntimeHandler, StatusResponse } from "../../host/cri/index.ts";
import type { MachineFacts } from "./machine.ts";

type Node = corev1.Node;
type Condition = corev1.NodeCondition;

export const KUBELET_VERSION = "v1.35.2";

export interface NodeStatusInput {
  readonly nodeName: string;
  readonly nodeIPs: readonly string[];
  readonly machine: MachineFacts;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  /** `containerd://2.1.9`. */
  readonly runtimeVersion: string;
  /** What the runtime said of itself last; undefined: it does not answer. */
  readonly runtime: StatusResponse | undefined;
  readonly images: readonly Image[];
  /** The server's port. */
  readonly port: number;
  /** Why the kubelet itself is not ready yet. */
  readonly notReady?: string;
  readonly now: number;
}

/** The status of this node. Conditions keep their time of change from `previous`; those of others are left alone. */
export function nodeStatus(input: NodeStatusInput, previous: Node["status"] | undefined): Node["status"] {
  const { machine } = input;
  return {
    addresses: [
      ...input.nodeIPs.map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: input.nodeName },
    ],
    allocatable: { ...input.allocatable },
    capacity: { ...input.capacity },
    conditions: conditions(input, previous?.conditions ?? []),
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    ...features(input.runtime),
    images: imageList(input.images),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootID,
      containerRuntimeVersion: input.runtimeVersion,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: "",
      kubeletVersion: KUBELET_VERSION,
      machineID: machine.machineID,
      operatingSystem: "linux",
      osImage: machine.osImage,
      ...(machine.swapBytes > 0 && { swap: { capacity: machine.swapBytes } }),
      systemUUID: machine.systemUUID,
    },
    runtimeHandlers: (input.runtime?.runtimeHandlers ?? []).map(runtimeHandler),
  };
}

function features(runtime: StatusResponse | undefined): Pick<Node["status"], "features"> {
  return runtime?.features ? { features: { supplementalGroupsPolicy: runtime.features.supplementalGroupsPolicy } } : {};
}

function runtimeHandler(handler: RuntimeHandler): corev1.NodeRuntimeHandler {
  const { recursiveReadOnlyMounts = false, userNamespaces = false } = handler.features ?? {};
  return { name: handler.name, features: { recursiveReadOnlyMounts, userNamespaces } };
}

const PRESSURES = [
  ["MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
] as const;

function conditions(input: NodeStatusInput, previous: readonly Condition[]): Condition[] {
  const now = formatTime(input.now);
  const own: Pick<Condition, "type" | "status" | "reason" | "message">[] = [
    ...PRESSURES.map(([type, reason, message]) => ({ type, status: "False", reason, message })),
    readyCondition(input),
  ];
  return own.map((condition) => {
    const old = previous.find((c) => c.type === condition.type);
    const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? now) : now;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
  });
}

/** Why pods cannot run here now; empty: they can. */
export function readinessFaults(input: Pick<NodeStatusInput, "runtime" | "notReady">): string[] {
  const faults: string[] = [];
  if (input.notReady) faults.push(input.notReady);
  const list = input.runtime?.status?.conditions;
  if (!list) return [...faults, "container runtime is down"];
  for (const [type, words] of [
    ["RuntimeReady", "container runtime not ready"],
    ["NetworkReady", "container runtime network not ready"],
  ] as const) {
    const condition = list.find((c) => c.type === type);
    if (condition?.status) continue;
    const { reason = "", message = "" } = condition ?? {};
    faults.push(`${words}: ${type}=false reason:${reason} message:${message}`);
  }
  return faults;
}

function readyCondition(input: NodeStatusInput): Pick<Condition, "type" | "status" | "reason" | "message"> {
  const faults = readinessFaults(input);
  if (faults.length === 0) {
    return { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
  }
  const [only = ""] = faults;
  const message = faults.length === 1 ? only : `[${faults.join(", ")}]`;
  return { type: "Ready", status: "False", reason: "KubeletNotReady", message };
}

const MAX_IMAGES = 50;
const MAX_NAMES = 5;

/** The largest images first, each with at most five names. */
function imageList(images: readonly Image[]): corev1.ContainerImage[] {
  return images
    .toSorted((a, b) => b.size - a.size)
    .slice(0, MAX_IMAGES)
    .map((image) => ({ names: [...image.repoDigests, ...image.repoTags].slice(0, MAX_NAMES), sizeBytes: image.size }));
}

/** What a new node is made with. */
export function initialNode(
  nodeName: string,
  architecture: string,
  labels: Readonly<Record<string, string>>,
  taints: readonly corev1.Taint[],
): Pick<Node, "kind" | "apiVersion"> & { metadata: object; spec: object } {
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name: nodeName,
      labels: { ...defaultLabels(nodeName, architecture), ...labels },
      annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
    },
    spec: taints.length > 0 ? { taints: [...taints] } : {},
  };
}

export function defaultLabels(nodeName: string, architecture: string): Record<string, string> {
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": nodeName,
    "kubernetes.io/os": "linux",
  };
}
