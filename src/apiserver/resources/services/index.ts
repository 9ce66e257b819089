import type { corev1 } from "../../../api/index.ts";
import { nameIsDns1035Label, nameIsDnsLabel } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { cidrWarnings, ipWarnings } from "../common/ip.ts";
import type { Kind, KindEnv } from "../kind.ts";
import { allocate } from "./allocate.ts";
import { isExternallyAccessible, isHeadless, needsClusterIp, needsHealthCheck, sameList } from "./facts.ts";
import { validateLoadBalancerStatus, validateService, validateServiceChange } from "./validate.ts";

type Service = corev1.Service;

/** Services, with addresses and ports from the allocators. */
export function services(env: KindEnv): Kind<Service> {
  const strict = env.gates.StrictIPCIDRValidation;
  return {
    name: env.gates.RelaxedServiceNameValidation ? nameIsDnsLabel : nameIsDns1035Label,
    initialStatus: () => ({ loadBalancer: {} }),
    prepareForUpdate: dropTypeDependent,
    validate(service, old) {
      const errors: Errors = [];
      validateService(errors, service, old, env.gates);
      return errors;
    },
    validateChange(service, old) {
      const errors: Errors = [];
      validateServiceChange(errors, service, old);
      return errors;
    },
    warnings,
    begin: (service, old, context) =>
      Promise.resolve(
        context.subresource === "" ? allocate(env.services, service, old, context.dryRun) : () => undefined,
      ),
    subresources: {
      status: {
        validate(service, old) {
          const errors: Errors = [];
          validateLoadBalancerStatus(errors, service.status.loadBalancer, {
            allowed: service.spec.type === "LoadBalancer",
            old: old.status.loadBalancer,
            strict,
          });
          return errors;
        },
        warnings: ({ status }) =>
          (status.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) =>
            ip ? ipWarnings(`status.loadBalancer.ingress[${i}]`, ip) : [],
          ),
      },
    },
  };
}

/** What only the old type had goes with it, if the caller just repeats it. */
function dropTypeDependent(service: Service, old: Service): void {
  const [spec, before] = [service.spec, old.spec];
  if (needsClusterIp(old) && !needsClusterIp(service)) {
    if (spec.clusterIP === before.clusterIP && sameList(spec.clusterIPs, before.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (sameList(spec.ipFamilies, before.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === before.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  const ported = (s: corev1.ServiceSpec): boolean => s.type === "NodePort" || s.type === "LoadBalancer";
  const oldPorts = new Set((before.ports ?? []).map((p) => p.nodePort));
  const samePorts = (spec.ports ?? []).every((p) => !p.nodePort || oldPorts.has(p.nodePort));
  if (ported(before) && !ported(spec) && samePorts) for (const port of spec.ports ?? []) delete port.nodePort;
  if (needsHealthCheck(old) && !needsHealthCheck(service) && spec.healthCheckNodePort === before.healthCheckNodePort) {
    delete spec.healthCheckNodePort;
  }
  if (before.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    for (const field of ["allocateLoadBalancerNodePorts", "loadBalancerClass"] as const) {
      if (spec[field] === before[field]) delete spec[field];
    }
  }
  if (
    isExternallyAccessible(old) &&
    !isExternallyAccessible(service) &&
    spec.externalTrafficPolicy === before.externalTrafficPolicy
  ) {
    delete spec.externalTrafficPolicy;
  }
  if (spec.type !== "LoadBalancer") service.status = { ...service.status, loadBalancer: {} };
}

const HINTS = "service.kubernetes.io/topology-aware-hints";

function warnings(service: Service): string[] {
  const { spec, metadata } = service;
  const list: string[] = [];
  if (metadata.annotations?.[HINTS] !== undefined) {
    list.push(`annotation ${HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead`);
  }
  if (spec.clusterIP && spec.clusterIP !== "None") {
    list.push(...(spec.clusterIPs ?? []).flatMap((ip, i) => ipWarnings(`spec.clusterIPs[${i}]`, ip)));
  }
  if (isHeadless(service) && spec.type === "ClusterIP") {
    if (spec.loadBalancerIP) list.push("spec.loadBalancerIP is ignored for headless services");
    if ((spec.externalIPs?.length ?? 0) > 0) list.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity !== "None") list.push("spec.SessionAffinity is ignored for headless services");
  }
  list.push(...(spec.externalIPs ?? []).flatMap((ip, i) => ipWarnings(`spec.externalIPs[${i}]`, ip)));
  if (spec.loadBalancerIP) list.push(...ipWarnings("spec.loadBalancerIP", spec.loadBalancerIP));
  const ranges = spec.loadBalancerSourceRanges ?? [];
  list.push(...ranges.flatMap((range, i) => cidrWarnings(`spec.loadBalancerSourceRanges[${i}]`, range)));
  if (spec.type === "ExternalName" && (spec.externalIPs?.length ?? 0) > 0) {
    list.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (spec.type !== "ExternalName" && spec.externalName) {
    list.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === "PreferClose") {
    list.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return list;
}
