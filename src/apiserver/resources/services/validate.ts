import type { corev1 } from "../../../api/index.ts";
import {
  duplicate,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  isValidPortNumber,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import { type Errors, IMMUTABLE, invalidEach, optionalOneOf, requireOneOf } from "../common/errors.ts";
import type { Gates } from "../common/gates.ts";
import { parseIp, validateEndpointIp, validateLegacyCidr, validateLegacyIp } from "../common/ip.ts";
import { validateLabels } from "../common/labels.ts";
import { validatePortNumberOrName } from "../pods/probes.ts";
import { isExternallyAccessible, isHeadless, needsHealthCheck } from "./facts.ts";
import { validateClusterIps, validateIpChange } from "./validate-ips.ts";

type Service = corev1.Service;
const HINTS = "service.kubernetes.io/topology-aware-hints";
const MODE = "service.kubernetes.io/topology-mode";
const RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges";
const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS = ["SCTP", "TCP", "UDP"];
/** A day. */
const MAX_AFFINITY_SECONDS = 86_400;

/** Everything wrong with a service's spec. */
export function validateService(errors: Errors, service: Service, old: Service | undefined, gates: Gates): void {
  const { spec } = service;
  const { annotations } = service.metadata;
  const strict = gates.StrictIPCIDRValidation;
  const [mode, hints] = [annotations?.[MODE], annotations?.[HINTS]];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    const words = `must match annotations[${HINTS}] when both are specified`;
    errors.push(invalidValue(`metadata.annotations[${MODE}]`, mode, words));
  }
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(service) && spec.type !== "ExternalName") errors.push(required("spec.ports"));
  validateType(errors, service);
  validatePorts(errors, ports);
  validateLabels(errors, "spec.selector", spec.selector);
  validateAffinity(errors, spec);
  validateClusterIps(errors, service, old, strict);
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    const at = `spec.externalIPs[${i}]`;
    const good = validateLegacyIp(errors, at, ip, { old: old?.spec.externalIPs ?? [], strict });
    if (good) validateEndpointIp(errors, at, ip);
  }
  requireOneOf(errors, "spec.type", spec.type, TYPES);
  validateNodePorts(errors, spec);
  validateSourceRanges(errors, service, old, strict);
  const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
  if (spec.type !== "LoadBalancer") {
    for (const field of ["allocateLoadBalancerNodePorts", "loadBalancerClass"] as const) {
      if (spec[field] !== undefined) errors.push(forbiddenField(`spec.${field}`, onlyLoadBalancer));
    }
  } else {
    if (spec.allocateLoadBalancerNodePorts === undefined) errors.push(required("allocateLoadBalancerNodePorts"));
    const name = spec.loadBalancerClass;
    if (name !== undefined) invalidEach(errors, "spec.loadBalancerClass", name, isQualifiedName(name));
  }
  validateTraffic(errors, service);
}

function validateType(errors: Errors, service: Service): void {
  const { spec } = service;
  if (isHeadless(service) && (spec.type === "LoadBalancer" || spec.type === "NodePort")) {
    errors.push(invalidValue("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`));
  }
  if (spec.type !== "ExternalName") return;
  const words = "may not be set for ExternalName services";
  if ((spec.clusterIPs?.length ?? 0) > 0) errors.push(forbiddenField("spec.clusterIPs", words));
  if ((spec.ipFamilies?.length ?? 0) > 0) errors.push(forbiddenField("spec.ipFamilies", words));
  if (spec.ipFamilyPolicy !== undefined) errors.push(forbiddenField("spec.ipFamilyPolicy", words));
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") errors.push(required("spec.externalName"));
  else invalidEach(errors, "spec.externalName", name, isDns1123Subdomain(name));
}

function validatePorts(errors: Errors, ports: readonly corev1.ServicePort[]): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = `spec.ports[${i}]`;
    if (!port.name) {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      invalidEach(errors, `${at}.name`, port.name, isDns1123Label(port.name));
      if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    invalidEach(errors, `${at}.port`, port.port, isValidPortNumber(port.port));
    requireOneOf(errors, `${at}.protocol`, port.protocol, PROTOCOLS);
    validatePortNumberOrName(errors, `${at}.targetPort`, port.targetPort);
    if (port.appProtocol !== undefined) {
      invalidEach(errors, `${at}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol));
    }
  }
  const seen = new Set<string>();
  for (const [i, { protocol, port }] of ports.entries()) {
    const key = `${protocol ?? ""}/${port}`;
    if (seen.has(key)) errors.push(duplicate(`spec.ports[${i}]`, { port, protocol }));
    seen.add(key);
  }
}

function validateAffinity(errors: Errors, spec: corev1.ServiceSpec): void {
  requireOneOf(errors, "spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"]);
  const at = "spec.sessionAffinityConfig";
  const config = spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP") {
    const words = "when session affinity type is ClientIP";
    const seconds = config?.clientIP?.timeoutSeconds;
    if (!config) errors.push(required(at, words));
    else if (!config.clientIP) errors.push(required(`${at}.clientIP`, words));
    else if (seconds === undefined) errors.push(required(`${at}.clientIP.timeoutSeconds`, words));
    else if (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS) {
      const range = `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`;
      errors.push(invalidValue(`${at}.clientIP.timeoutSeconds`, seconds, range));
    }
  } else if (spec.sessionAffinity === "None" && config) {
    errors.push(forbiddenField(at, "must not be set when session affinity is None"));
  }
}

function validateNodePorts(errors: Errors, spec: corev1.ServiceSpec): void {
  const seen = new Set<string>();
  for (const [i, { nodePort, protocol }] of (spec.ports ?? []).entries()) {
    if (!nodePort) continue;
    const at = `spec.ports[${i}].nodePort`;
    if (spec.type === "ClusterIP") errors.push(forbiddenField(at, "may not be used when `type` is 'ClusterIP'"));
    const key = `${protocol ?? ""}/${nodePort}`;
    if (seen.has(key)) errors.push(duplicate(at, nodePort));
    seen.add(key);
  }
}

function validateSourceRanges(errors: Errors, service: Service, old: Service | undefined, strict: boolean): void {
  const ranges = service.spec.loadBalancerSourceRanges ?? [];
  const text = service.metadata.annotations?.[RANGES];
  const words = "may only be used when `type` is 'LoadBalancer'";
  const wrongType = service.spec.type !== "LoadBalancer";
  if (ranges.length > 0) {
    const at = "spec.LoadBalancerSourceRanges";
    if (wrongType) errors.push(forbiddenField(at, words));
    const before = (old?.spec.loadBalancerSourceRanges ?? []).map((r) => r.trim());
    for (const [i, range] of ranges.entries()) {
      validateLegacyCidr(errors, `${at}[${i}]`, range.trim(), { old: before, strict });
    }
  } else if (text !== undefined) {
    const at = `metadata.annotations[${RANGES}]`;
    if (wrongType) errors.push(forbiddenField(at, words));
    if (text.trim() === "" || old?.metadata.annotations?.[RANGES] === text) return;
    for (const range of text.split(",")) validateLegacyCidr(errors, at, range.trim(), { strict });
  }
}

function validateTraffic(errors: Errors, service: Service): void {
  const { spec } = service;
  const policy = spec.externalTrafficPolicy ?? "";
  const at = "spec.externalTrafficPolicy";
  if (isExternallyAccessible(service)) requireOneOf(errors, at, policy, ["Cluster", "Local"]);
  else if (policy !== "") {
    errors.push(invalidValue(at, policy, "may only be set for externally-accessible services"));
  }
  const port = spec.healthCheckNodePort ?? 0;
  if (!needsHealthCheck(service)) {
    if (port !== 0) {
      const words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
      errors.push(invalidValue("spec.healthCheckNodePort", port, words));
    }
  } else if (port === 0) errors.push(required("spec.healthCheckNodePort"));
  else invalidEach(errors, "spec.healthCheckNodePort", port, isValidPortNumber(port));
  if (spec.internalTrafficPolicy === undefined) {
    const routed = ["ClusterIP", "NodePort", "LoadBalancer"].includes(spec.type ?? "");
    if (routed) errors.push(required("spec.internalTrafficPolicy"));
  } else optionalOneOf(errors, "spec.internalTrafficPolicy", spec.internalTrafficPolicy, ["Cluster", "Local"]);
  const known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
  if (spec.trafficDistribution !== undefined && !known.includes(spec.trafficDistribution)) {
    errors.push(notSupported("spec.trafficDistribution", spec.trafficDistribution, known));
  }
}

/** What of a stored service may not change. */
export function validateServiceChange(errors: Errors, service: Service, old: Service): void {
  validateIpChange(errors, service, old);
  const [next, before] = [service.spec, old.spec];
  if (next.type === "LoadBalancer" && before.type === "LoadBalancer") {
    if (next.loadBalancerClass !== before.loadBalancerClass) {
      errors.push(invalidValue("spec.loadBalancerClass", next.loadBalancerClass ?? null, "may not change once set"));
    }
  }
  if (needsHealthCheck(service) && needsHealthCheck(old) && next.healthCheckNodePort !== before.healthCheckNodePort) {
    errors.push(forbiddenField("spec.healthCheckNodePort", IMMUTABLE));
  }
}

/** What a load balancer reports: of services and ingresses. `allowed`: the service is of that type. */
export function validateLoadBalancerStatus(
  errors: Errors,
  status: corev1.LoadBalancerStatus | undefined,
  options: { readonly allowed: boolean; readonly old: corev1.LoadBalancerStatus | undefined; readonly strict: boolean },
): void {
  const at = "status.loadBalancer.ingress";
  const ingress = status?.ingress ?? [];
  if (!options.allowed) {
    if (ingress.length > 0) errors.push(forbiddenField(at, "may only be used when `spec.type` is 'LoadBalancer'"));
    return;
  }
  const before = (options.old?.ingress ?? []).map((i) => i.ip ?? "");
  for (const [i, { ip, ipMode, hostname }] of ingress.entries()) {
    if (ip) validateLegacyIp(errors, `${at}[${i}].ip`, ip, { old: before, strict: options.strict });
    if (ipMode === undefined) {
      if (ip) errors.push(required(`${at}[${i}].ipMode`, "must be specified when `ip` is set"));
    } else if (!ip) errors.push(forbiddenField(`${at}[${i}].ipMode`, "may not be specified when `ip` is not set"));
    else optionalOneOf(errors, `${at}[${i}].ipMode`, ipMode, ["Proxy", "VIP"]);
    if (!hostname) continue;
    invalidEach(errors, `${at}[${i}].hostname`, hostname, isDns1123Subdomain(hostname));
    if (parseIp(hostname)) {
      errors.push(invalidValue(`${at}[${i}].hostname`, hostname, "must be a DNS name, not an IP address"));
    }
  }
}
