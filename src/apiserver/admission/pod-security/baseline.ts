import type { corev1 } from "../../../api/index.ts";
import { badContainers, type Check, containersOf, joinQuoted, named, plural, setters, sorted } from "./checks.ts";

/** Annotations with containers' AppArmor profiles, from before there were fields. */
const APPARMOR = "container.apparmor.security.beta.kubernetes.io/";

export const appArmorProfile: Check = ({ metadata, spec }) => {
  const allowed = (type: string): boolean => type === "RuntimeDefault" || type === "Localhost";
  const own = spec.securityContext?.appArmorProfile?.type;
  const bad = badContainers(spec, (c) => c?.appArmorProfile !== undefined && !allowed(c.appArmorProfile.type));
  const types = [own, ...containersOf(spec).map((c) => c.securityContext?.appArmorProfile?.type)];
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(APPARMOR) && !isAllowedAppArmorAnnotation(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted();
  const values = [...sorted(types.filter((type) => type !== undefined && !allowed(type)) as string[]), ...annotations];
  if (values.length === 0) return undefined;
  const who = [
    setters(own !== undefined && !allowed(own), bad),
    annotations.length > 0 ? plural("annotation", annotations.length) : "",
  ];
  return {
    reason: plural("forbidden AppArmor profile", values.length),
    detail: `${who.filter((part) => part !== "").join(" and ")} must not set AppArmor profile type to ${joinQuoted(values)}`,
  };
};

function isAllowedAppArmorAnnotation(value: string): boolean {
  return value === "" || value === "runtime/default" || value.startsWith("localhost/");
}

const CAPABILITIES = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);

export const baselineCapabilities: Check = ({ spec }) => {
  const added = (c: corev1.SecurityContext | undefined): string[] =>
    (c?.capabilities?.add ?? []).filter((capability) => !CAPABILITIES.has(capability));
  const bad = badContainers(spec, (c) => added(c).length > 0);
  if (bad.length === 0) return undefined;
  const all = sorted(containersOf(spec).flatMap((c) => added(c.securityContext)));
  const detail = `${named("container", bad)} must not include ${joinQuoted(all)} in securityContext.capabilities.add`;
  return { reason: "non-default capabilities", detail };
};

export const hostNamespaces: Check = ({ spec }) => {
  const used = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field]);
  if (used.length === 0) return undefined;
  return { reason: "host namespaces", detail: used.map((field) => `${field}=true`).join(", ") };
};

export const hostPathVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath).map((volume) => volume.name);
  return bad.length === 0 ? undefined : { reason: "hostPath volumes", detail: named("volume", bad) };
};

export const hostPorts: Check = ({ spec }) => {
  const portsOf = ({ ports = [] }: Pick<corev1.Container, "ports">): string[] =>
    ports.flatMap((port) => (port.hostPort ? [String(port.hostPort)] : []));
  const bad = badContainers(spec, (_, container) => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = sorted(containersOf(spec).flatMap(portsOf));
  const use = bad.length === 1 ? "uses" : "use";
  const detail = `${named("container", bad)} ${use} ${plural("hostPort", ports.length)} ${ports.join(", ")}`;
  return { reason: "hostPort", detail };
};

export const hostProbes: Check = ({ spec }) => {
  const hostsOf = (container: Partial<corev1.Container>): string[] =>
    [
      container.livenessProbe,
      container.readinessProbe,
      container.startupProbe,
      container.lifecycle?.postStart,
      container.lifecycle?.preStop,
    ]
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host) => host !== undefined && host !== "") as string[];
  const bad = sorted(badContainers(spec, (_, container) => hostsOf(container).length > 0));
  if (bad.length === 0) return undefined;
  const hosts = sorted(containersOf(spec).flatMap(hostsOf));
  const use = bad.length === 1 ? "uses" : "use";
  const detail = `${named("container", bad)} ${use} ${plural("probe or lifecycle host", hosts.length)} ${joinQuoted(hosts)}`;
  return { reason: "probe or lifecycle host", detail };
};

export const privileged: Check = ({ spec }) => {
  const bad = badContainers(spec, (c) => c?.privileged === true);
  if (bad.length === 0) return undefined;
  return { reason: "privileged", detail: `${named("container", bad)} must not set securityContext.privileged=true` };
};

export const procMount: Check = ({ spec }) => {
  const bad = badContainers(spec, (c) => c?.procMount !== undefined && c.procMount !== "Default");
  if (bad.length === 0) return undefined;
  const used = containersOf(spec).map((c) => c.securityContext?.procMount as string | undefined);
  const values = sorted(used.filter((value) => value !== undefined && value !== "Default") as string[]);
  const detail = `${named("container", bad)} must not set securityContext.procMount to ${joinQuoted(values)}`;
  return { reason: "procMount", detail };
};

const SELINUX_TYPES = ["", "container_t", "container_init_t", "container_kvm_t"];
/** `container_engine_t` came in 1.31. */
export const seLinuxOptions = (...more: readonly string[]): Check => {
  const types = new Set([...SELINUX_TYPES, ...more]);
  const isBad = (options: corev1.SELinuxOptions | undefined): boolean =>
    options !== undefined && (!types.has(options.type ?? "") || Boolean(options.user) || Boolean(options.role));
  return ({ spec }) => {
    const own = spec.securityContext?.seLinuxOptions;
    const bad = badContainers(spec, (c) => isBad(c?.seLinuxOptions));
    if (!isBad(own) && bad.length === 0) return undefined;
    const all = [own, ...containersOf(spec).map((c) => c.securityContext?.seLinuxOptions)];
    const badTypes = sorted(all.map((options) => options?.type ?? "").filter((type) => !types.has(type)));
    const problems = [
      ...(badTypes.length > 0 ? [named("type", badTypes)] : []),
      ...(all.some((options) => options?.user) ? ["user may not be set"] : []),
      ...(all.some((options) => options?.role) ? ["role may not be set"] : []),
    ];
    const detail = `${setters(isBad(own), bad)} set forbidden securityContext.seLinuxOptions: ${problems.join("; ")}`;
    return { reason: "seLinuxOptions", detail };
  };
};

const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/";

/** Before 1.19, when profiles were annotations. */
export const seccompAnnotations: Check = ({ metadata: { annotations = {} }, spec }) => {
  const keys = [SECCOMP_POD, ...containersOf(spec).map((container) => SECCOMP_CONTAINER + container.name)];
  const isAllowed = (value: string): boolean =>
    value === "runtime/default" || value === "docker/default" || value.startsWith("localhost/");
  const bad = sorted(
    keys.flatMap((key) => {
      const value = annotations[key];
      return value === undefined || isAllowed(value) ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  if (bad.length === 0) return undefined;
  return { reason: "seccompProfile", detail: `forbidden ${plural("annotation", bad.length)} ${bad.join(", ")}` };
};

/** Whether a profile is one that confines. */
export function isConfining(profile: corev1.SeccompProfile): boolean {
  return profile.type === "Localhost" || profile.type === "RuntimeDefault";
}

export const seccompProfile: Check = ({ spec }) => {
  const own = spec.securityContext?.seccompProfile;
  const isBad = (profile: corev1.SeccompProfile | undefined): boolean => profile !== undefined && !isConfining(profile);
  const bad = badContainers(spec, (c) => isBad(c?.seccompProfile));
  if (!isBad(own) && bad.length === 0) return undefined;
  const all = [own, ...containersOf(spec).map((c) => c.securityContext?.seccompProfile)];
  const values = sorted(all.flatMap((profile) => (profile && !isConfining(profile) ? [profile.type] : [])));
  const detail = `${setters(isBad(own), bad)} must not set securityContext.seccompProfile.type to ${joinQuoted(values)}`;
  return { reason: "seccompProfile", detail };
};

const SYSCTLS: readonly (readonly [sinceMinor: number, name: string])[] = [
  [0, "kernel.shm_rmid_forced"],
  [0, "net.ipv4.ip_local_port_range"],
  [0, "net.ipv4.tcp_syncookies"],
  [0, "net.ipv4.ping_group_range"],
  [0, "net.ipv4.ip_unprivileged_port_start"],
  [27, "net.ipv4.ip_local_reserved_ports"],
  [29, "net.ipv4.tcp_keepalive_time"],
  [29, "net.ipv4.tcp_fin_timeout"],
  [29, "net.ipv4.tcp_keepalive_intvl"],
  [29, "net.ipv4.tcp_keepalive_probes"],
  [32, "net.ipv4.tcp_rmem"],
  [32, "net.ipv4.tcp_wmem"],
];

/** More and more sysctls are safe. */
export const sysctls = (minor: number): Check => {
  const safe = new Set(SYSCTLS.filter(([since]) => since <= minor).map(([, name]) => name));
  return ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? []).map((sysctl) => sysctl.name).filter((name) => !safe.has(name));
    return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
  };
};

export const windowsHostProcess: Check = ({ spec }) => {
  const own = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = badContainers(spec, (c) => c?.windowsOptions?.hostProcess === true);
  if (!own && bad.length === 0) return undefined;
  const detail = `${setters(own, bad)} must not set securityContext.windowsOptions.hostProcess=true`;
  return { reason: "hostProcess", detail };
};
