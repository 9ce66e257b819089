import type { corev1 } from "../../api/index.ts";
import { CodedError } from "../../kit/index.ts";
import type {
  LinuxContainerSecurityContext,
  LinuxSandboxSecurityContext,
  NamespaceOption,
  SecurityProfile,
  Sent,
} from "../../host/cri/index.ts";
import { type Container, type Pod, isHostNetwork, podText } from "./containers.ts";

const MASKED_PATHS = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** Who an image's process runs as when the pod does not say. */
export interface ImageUser {
  /** Absent when the image names a user instead. */
  readonly uid?: number;
  readonly name?: string;
}

/** A container's own settings over the pod's. */
export function effectiveSecurity(pod: Pod, container: Container): corev1.SecurityContext {
  const p = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  return {
    ...(p.runAsUser !== undefined && { runAsUser: p.runAsUser }),
    ...(p.runAsGroup !== undefined && { runAsGroup: p.runAsGroup }),
    ...(p.runAsNonRoot !== undefined && { runAsNonRoot: p.runAsNonRoot }),
    ...(p.seccompProfile && { seccompProfile: p.seccompProfile }),
    ...(p.appArmorProfile && { appArmorProfile: p.appArmorProfile }),
    ...(p.seLinuxOptions && { seLinuxOptions: p.seLinuxOptions }),
    ...own,
  };
}

/** Throws `ContainerConfig` when the container must not run as root and would, or when that cannot be told. */
export function verifyNonRoot(pod: Pod, container: Container, image: ImageUser): void {
  const { runAsNonRoot, runAsUser } = effectiveSecurity(pod, container);
  if (!runAsNonRoot) return;
  const where = `(pod: "${podText(pod)}", container: ${container.name})`;
  if (runAsUser !== undefined) {
    if (runAsUser !== 0) return;
    throw new CodedError("ContainerConfig", `container's runAsUser breaks non-root policy ${where}`);
  }
  if (image.uid === 0) {
    throw new CodedError("ContainerConfig", `container has runAsNonRoot and image will run as root ${where}`);
  }
  if (image.uid === undefined && image.name) {
    throw new CodedError(
      "ContainerConfig",
      `container has runAsNonRoot and image has non-numeric user (${image.name}), cannot verify user is non-root ${where}`,
    );
  }
}

/** Which namespaces are the node's, the pod's or the container's own; `targetId`: whose processes an ephemeral one sees. */
export function namespaceOptions(pod: Pod, targetId?: string): Sent<NamespaceOption> {
  const { hostPID, hostIPC, shareProcessNamespace } = pod.spec;
  const pid = hostPID ? "NODE" : targetId ? "TARGET" : shareProcessNamespace ? "POD" : "CONTAINER";
  return {
    network: isHostNetwork(pod) ? "NODE" : "POD",
    ipc: hostIPC ? "NODE" : "POD",
    pid,
    ...(pid === "TARGET" && { targetId }),
  };
}

function seccomp(profile: corev1.SeccompProfile | undefined, root: string): Sent<SecurityProfile> {
  if (profile?.type === "RuntimeDefault") return { profileType: "RuntimeDefault" };
  if (profile?.type !== "Localhost") return { profileType: "Unconfined" };
  return { profileType: "Localhost", localhostRef: `${root}/${profile.localhostProfile ?? ""}` };
}

function appArmor(profile: corev1.AppArmorProfile | undefined): Sent<SecurityProfile> | undefined {
  if (!profile) return undefined;
  if (profile.type !== "Localhost") {
    return { profileType: profile.type === "Unconfined" ? "Unconfined" : "RuntimeDefault" };
  }
  return { profileType: "Localhost", localhostRef: profile.localhostProfile ?? "" };
}

function supplementalGroups(pod: Pod): number[] {
  const { fsGroup, supplementalGroups: groups = [] } = pod.spec.securityContext ?? {};
  return fsGroup === undefined ? [...groups] : [...groups, fsGroup];
}

export interface SecurityOptions {
  /** Where Localhost seccomp profiles lie. */
  readonly seccompRoot: string;
  /** RuntimeDefault for containers that say nothing. */
  readonly seccompDefault?: boolean;
  readonly targetId?: string;
}

export function containerSecurity(
  pod: Pod,
  container: Container,
  options: SecurityOptions,
): Sent<LinuxContainerSecurityContext> {
  const s = effectiveSecurity(pod, container);
  const unmasked = s.privileged === true || s.procMount === "Unmasked";
  const profile = s.seccompProfile ?? (options.seccompDefault ? { type: "RuntimeDefault" as const } : undefined);
  return {
    ...(s.capabilities && {
      capabilities: {
        addCapabilities: s.capabilities.add ?? [],
        dropCapabilities: s.capabilities.drop ?? [],
      },
    }),
    privileged: s.privileged ?? false,
    namespaceOptions: namespaceOptions(pod, options.targetId),
    ...(s.runAsUser !== undefined && { runAsUser: { value: s.runAsUser } }),
    ...(s.runAsGroup !== undefined && { runAsGroup: { value: s.runAsGroup } }),
    ...(s.seLinuxOptions && { selinuxOptions: s.seLinuxOptions }),
    readonlyRootfs: s.readOnlyRootFilesystem ?? false,
    supplementalGroups: supplementalGroups(pod),
    supplementalGroupsPolicy: pod.spec.securityContext?.supplementalGroupsPolicy === "Strict" ? "Strict" : "Merge",
    noNewPrivs: s.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : MASKED_PATHS,
    readonlyPaths: unmasked ? [] : READONLY_PATHS,
    seccomp: seccomp(profile, options.seccompRoot),
    apparmor: appArmor(s.appArmorProfile),
  };
}

export function sandboxSecurity(pod: Pod): Sent<LinuxSandboxSecurityContext> {
  const { runAsUser, runAsGroup, seLinuxOptions } = pod.spec.securityContext ?? {};
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  return {
    namespaceOptions: namespaceOptions(pod),
    privileged: all.some((c) => c.securityContext?.privileged === true),
    ...(runAsUser !== undefined && { runAsUser: { value: runAsUser } }),
    ...(runAsUser !== undefined && runAsGroup !== undefined && { runAsGroup: { value: runAsGroup } }),
    ...(seLinuxOptions && { selinuxOptions: seLinuxOptions }),
    supplementalGroups: supplementalGroups(pod),
    seccomp: { profileType: "RuntimeDefault" },
  };
}
