import type {
  ContainerConfig,
  LinuxContainerResources,
  Mount,
  PodSandboxConfig,
  PortMapping,
  Sent,
} from "../../host/cri/index.ts";
import { type Pod, type SpecContainer, isHostNetwork } from "./containers.ts";
import { type DnsSettings, podDns } from "./dns.ts";
import { expand } from "./expand.ts";
import { kernelHostname } from "./hostname.ts";
import { containerAnnotations, containerLabels, podAnnotations, podLabels } from "./labels.ts";
import { type ResourceConfig, containerResources, oomScoreAdjust, podResources } from "./resources.ts";
import { containerSecurity, sandboxSecurity } from "./security.ts";

/** What of the node goes into a pod's CRI configuration. */
export interface NodeSettings extends DnsSettings {
  /** Bytes of memory of the machine. */
  readonly memoryCapacity: number;
  readonly seccompRoot: string;
  readonly seccompDefault?: boolean;
  /** Whether limits of cpu are enforced by quota; default yes. */
  readonly cpuCfsQuota?: boolean;
}

export interface SandboxOptions {
  readonly attempt: number;
  readonly logDirectory: string;
  /** The pod's cgroup; empty: the runtime's default. */
  readonly cgroupParent: string;
}

export function sandboxConfig(pod: Pod, node: NodeSettings, options: SandboxOptions): Sent<PodSandboxConfig> {
  const hostNetwork = isHostNetwork(pod);
  const sysctls = (pod.spec.securityContext?.sysctls ?? []).map((s) => [s.name.replaceAll("/", "."), s.value] as const);
  return {
    metadata: {
      name: pod.metadata.name,
      namespace: pod.metadata.namespace,
      uid: pod.metadata.uid,
      attempt: options.attempt,
    },
    hostname: hostNetwork ? "" : kernelHostname(pod, node.clusterDomain),
    logDirectory: options.logDirectory,
    dnsConfig: podDns(pod, node),
    portMappings: hostNetwork ? [] : portMappings(pod),
    labels: podLabels(pod),
    annotations: podAnnotations(pod),
    linux: {
      cgroupParent: options.cgroupParent,
      securityContext: sandboxSecurity(pod),
      sysctls: Object.fromEntries(sysctls),
      resources: linuxResources(podResources(pod), node),
    },
  };
}

function portMappings(pod: Pod): Sent<PortMapping>[] {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return containers.flatMap((c) =>
    (c.ports ?? [])
      .filter((port) => port.hostPort)
      .map(({ protocol = "TCP", containerPort, hostPort, hostIP }) => ({
        protocol,
        containerPort,
        hostPort,
        hostIp: hostIP,
      })),
  );
}

function linuxResources(r: ResourceConfig, node: Pick<NodeSettings, "cpuCfsQuota">): Sent<LinuxContainerResources> {
  return {
    cpuShares: r.cpuShares,
    memoryLimitInBytes: r.memoryLimit,
    ...(node.cpuCfsQuota !== false && r.cpuQuota > 0 && { cpuPeriod: r.cpuPeriod, cpuQuota: r.cpuQuota }),
  };
}

export interface ContainerOptions {
  readonly restartCount: number;
  /** What the runtime calls the image. */
  readonly imageRef: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Sent<Mount>[];
  readonly devices?: readonly string[];
  /** Ephemeral containers: the container whose processes it sees. */
  readonly targetId?: string;
}

export function containerConfig(
  pod: Pod,
  spec: SpecContainer,
  node: NodeSettings,
  options: ContainerOptions,
): Sent<ContainerConfig> {
  const { container } = spec;
  const lookup = (name: string): string | undefined => options.environment.get(name);
  const { targetId } = options;
  return {
    metadata: { name: container.name, attempt: options.restartCount },
    image: { image: options.imageRef, userSpecifiedImage: container.image ?? "" },
    command: (container.command ?? []).map((text) => expand(text, lookup)),
    args: (container.args ?? []).map((text) => expand(text, lookup)),
    workingDir: container.workingDir ?? "",
    envs: [...options.environment].map(([key, value]) => ({ key, value })),
    mounts: options.mounts,
    devices: (options.devices ?? []).map((path) => ({ containerPath: path, hostPath: path, permissions: "mrw" })),
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, spec, options.restartCount),
    logPath: `${container.name}/${options.restartCount}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: {
        ...linuxResources(containerResources(container), node),
        oomScoreAdj: oomScoreAdjust(pod, container, node.memoryCapacity),
      },
      securityContext: containerSecurity(pod, container, { ...node, ...(targetId !== undefined && { targetId }) }),
    },
  };
}
