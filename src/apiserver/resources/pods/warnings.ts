import type { corev1 } from "../../../api/index.ts";
import { ipWarnings } from "../common/ip.ts";
import { deprecatedNodeLabel, nodeTermWarnings } from "../common/node-labels.ts";
import { fractionWarning } from "../volumes/warnings.ts";
import { type AnyContainer, containersWithPaths } from "./visit.ts";
import { volumeWarnings } from "./volume-warnings.ts";

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
  "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
  "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
};
const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP = "container.seccomp.security.alpha.kubernetes.io/";
const APPARMOR = "container.apparmor.security.beta.kubernetes.io/";

/** Upstream's warnings about a pod (`path` empty) or a template at `path`. */
export function podWarnings(
  path: string,
  metadata: { readonly annotations?: Readonly<Record<string, string>> } | undefined,
  spec: corev1.PodSpec,
): string[] {
  const head = path === "" ? "" : `${path}.`;
  const at = `${head}spec`;
  const annotations = metadata?.annotations ?? {};
  return [
    ...selectionWarnings(at, spec),
    ...Object.entries(OLD_ANNOTATIONS)
      .filter(([key]) => key in annotations)
      .map(([key, words]) => `${head}metadata.annotations[${key}]: ${words}`),
    ...volumeWarnings(`${at}.volumes`, spec.volumes ?? []),
    ...repeatedWarnings(at, spec),
    ...fractionWarning(`${at}.overhead[memory]`, spec.overhead?.["memory"]),
    ...fractionWarning(`${at}.overhead[ephemeral-storage]`, spec.overhead?.["ephemeral-storage"]),
    ...profileWarnings(head, at, annotations, spec),
    ...[...containersWithPaths(spec, at)].flatMap(([container, p]) => containerWarnings(container, p)),
    ...portWarnings(at, spec),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
    ...affinityWarnings(`${at}.affinity`, spec.affinity),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((ns, i) => ipWarnings(`${at}.dnsConfig.nameservers[${i}]`, ns)),
    ...(spec.hostAliases ?? []).flatMap((alias, i) => ipWarnings(`${at}.hostAliases[${i}].ip`, alias.ip)),
  ];
}

function selectionWarnings(at: string, spec: corev1.PodSpec): string[] {
  const nodes = spec.affinity?.nodeAffinity;
  const path = `${at}.affinity.nodeAffinity`;
  const kind = "DuringSchedulingIgnoredDuringExecution";
  const requiredTerms = nodes?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const preferred = nodes?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((key) => {
      const message = deprecatedNodeLabel(key);
      return message === undefined ? [] : [`${at}.nodeSelector[${key}]: ${message}`];
    }),
    ...requiredTerms.flatMap((t, i) => nodeTermWarnings(`${path}.required${kind}.nodeSelectorTerms[${i}]`, t, false)),
    ...preferred.flatMap((t, i) => nodeTermWarnings(`${path}.preferred${kind}[${i}].preference`, t.preference, true)),
    ...(spec.topologySpreadConstraints ?? []).flatMap((c, i) => {
      const p = `${at}.topologySpreadConstraints[${i}]`;
      const message = deprecatedNodeLabel(c.topologyKey);
      return [
        ...(message === undefined ? [] : [`${p}.topologyKey: ${c.topologyKey} is ${message}`]),
        ...(c.labelSelector ? [] : [`${p}.labelSelector: a null labelSelector results in matching no pod`]),
      ];
    }),
  ];
}

function repeatedWarnings(at: string, spec: corev1.PodSpec): string[] {
  const repeated = (list: readonly string[], say: (i: number, value: string) => string): string[] =>
    list.flatMap((value, i) => (list.indexOf(value) < i ? [say(i, value)] : []));
  const secrets = (spec.imagePullSecrets ?? []).map((s) => s.name ?? "");
  return [
    ...repeated(
      (spec.hostAliases ?? []).map((a) => a.ip),
      (i, ip) => `${at}.hostAliases[${i}].ip: duplicate ip "${ip}"`,
    ),
    ...repeated(secrets, (i, name) => `${at}.imagePullSecrets[${i}].name: duplicate name "${name}"`),
    ...secrets.flatMap((name, i) => (name === "" ? [`${at}.imagePullSecrets[${i}].name: invalid empty name ""`] : [])),
  ];
}

function profileWarnings(
  head: string,
  at: string,
  annotations: Readonly<Record<string, string>>,
  spec: corev1.PodSpec,
): string[] {
  const seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';
  const warnings: string[] = [];
  if (SECCOMP_POD in annotations && !spec.securityContext?.seccompProfile) {
    warnings.push(`${head}metadata.annotations[${SECCOMP_POD}]: ${seccomp}`);
  }
  for (const [container] of containersWithPaths(spec, at)) {
    const key = SECCOMP + container.name;
    if (key in annotations && !container.securityContext?.seccompProfile) {
      warnings.push(`${head}metadata.annotations[${key}]: ${seccomp}`);
    }
    const old = APPARMOR + container.name;
    if (head !== "" && old in annotations && !container.securityContext?.appArmorProfile) {
      const words = 'deprecated since v1.30; use the "appArmorProfile" field instead';
      warnings.push(`${head}metadata.annotations[${old}]: ${words}`);
    }
  }
  return warnings;
}

function containerWarnings(container: AnyContainer, path: string): string[] {
  const amounts = ["memory", "ephemeral-storage"].flatMap((name) =>
    (["limits", "requests"] as const).flatMap((kind) =>
      fractionWarning(`${path}.resources.${kind}[${name}]`, container.resources?.[kind]?.[name]),
    ),
  );
  const seen = new Set<string>();
  const hidden = (container.env ?? []).flatMap(({ name, value = "", valueFrom }, i) => {
    const first = !seen.has(name);
    seen.add(name);
    const refersBack = !valueFrom && value.includes(`$(${name})`) && value !== `$(${name})`;
    return first || refersBack
      ? []
      : [`${path}.env[${i}]: hides previous definition of "${name}", which may be dropped when using apply`];
  });
  return [...amounts, ...hidden];
}

function portWarnings(at: string, spec: corev1.PodSpec): string[] {
  const warnings: string[] = [];
  const ports: { readonly path: string; readonly port: corev1.ContainerPort }[] = [];
  const names = new Map<string, string>();
  const named: string[] = [];
  for (const [container, containerPath] of containersWithPaths(spec, at)) {
    for (const [i, port] of (container.ports ?? []).entries()) {
      const path = `${containerPath}.ports[${i}]`;
      if (port.hostIP && !port.hostPort) warnings.push(`${path}: hostIP set without hostPort: ${goPort(port)}`);
      for (const other of ports) {
        const words = conflict(port, other.port);
        if (words) warnings.push(`${path}: ${words} with ${other.path}`);
      }
      ports.push({ path, port });
      const first = port.name ? names.get(port.name) : undefined;
      if (first !== undefined) {
        const use = `services and probes that select ports by name will use ${first}`;
        named.push(`${path}: duplicate port name "${port.name ?? ""}" with ${first}, ${use}`);
      } else if (port.name) names.set(port.name, path);
    }
  }
  return [...warnings, ...named];
}

function goPort(p: corev1.ContainerPort): string {
  const { name = "", hostPort = 0, containerPort, protocol = "", hostIP = "" } = p;
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
}

function conflict(a: corev1.ContainerPort, b: corev1.ContainerPort): string | undefined {
  if (a.containerPort !== b.containerPort || a.protocol !== b.protocol) return undefined;
  const [hostA, hostB, ipA, ipB] = [a.hostPort ?? 0, b.hostPort ?? 0, a.hostIP ?? "", b.hostIP ?? ""];
  if (ipA === ipB && hostA === hostB) return "duplicate port definition";
  if (hostA === 0 || hostB === 0) return "overlapping port definition";
  return hostA === hostB && (ipA === "") !== (ipB === "") ? "dangerously ambiguous port definition" : undefined;
}

function affinityWarnings(path: string, affinity: corev1.Affinity | undefined): string[] {
  const words = "a null labelSelector results in matching no pod";
  const kind = "DuringSchedulingIgnoredDuringExecution";
  return (["podAffinity", "podAntiAffinity"] as const).flatMap((side) => [
    ...(affinity?.[side]?.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((t, i) =>
      t.labelSelector ? [] : [`${path}.${side}.required${kind}[${i}].labelSelector: ${words}`],
    ),
    ...(affinity?.[side]?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((t, i) =>
      t.podAffinityTerm.labelSelector
        ? []
        : [`${path}.${side}.preferred${kind}[${i}].podAffinityTerm.labelSelector: ${words}`],
    ),
  ]);
}
