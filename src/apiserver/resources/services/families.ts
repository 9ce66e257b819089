import type { corev1 } from "../../../api/index.ts";
import { invalidValue } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import { isIpv6 } from "../common/ip.ts";
import type { IpFamily } from "./allocators.ts";
import { sameList } from "./facts.ts";
import { validateClusterIps } from "./validate-ips.ts";

type Service = corev1.Service;
const POLICY = "spec.ipFamilyPolicy";

/** Decides which families a service has an address of, from what it says and what the cluster has. */
export function initFamilies(
  errors: Errors,
  cluster: readonly IpFamily[],
  service: Service,
  old: Service | undefined,
): void {
  const { spec } = service;
  if (spec.type === "ExternalName" || (old && isUnchangedPreferDualStack(service, old))) return;
  const selectorless = spec.clusterIP === "None" && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (selectorless ? "RequireDualStack" : "SingleStack");
  validateClusterIps(errors, service, old, false);
  if (errors.length > 0) return;
  if (old) reduce(errors, service, old);
  if (spec.ipFamilyPolicy === "SingleStack") {
    const words = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (spec.clusterIPs?.length === 2) {
      errors.push(invalidValue(POLICY, spec.ipFamilyPolicy, `${words} cluster IPs are specified`));
    }
    if (spec.ipFamilies?.length === 2) {
      errors.push(invalidValue(POLICY, spec.ipFamilyPolicy, `${words} IP families are specified`));
    }
  }
  inferFromIps(errors, cluster, spec);
  if (errors.length > 0) return;
  const primary = cluster[0] ?? "IPv4";
  if (selectorless) {
    fill(spec, primary, true);
    return;
  }
  if (spec.ipFamilyPolicy === "RequireDualStack" && cluster.length < 2) {
    errors.push(invalidValue(POLICY, spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services"));
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (!cluster.includes(family as IpFamily)) {
      errors.push(invalidValue(`spec.ipFamilies[${i}]`, family, "not configured on this cluster"));
    }
  }
  if (errors.length === 0) fill(spec, primary, cluster.length === 2);
}

function fill(spec: corev1.ServiceSpec, primary: IpFamily, dual: boolean): void {
  const families = (spec.ipFamilies ??= []);
  if (families.length === 0) families.push(primary);
  if (families.length === 1 && dual && spec.ipFamilyPolicy !== "SingleStack") {
    families.push(families[0] === "IPv4" ? "IPv6" : "IPv4");
  }
}

/** Going back to one family drops the second address; keeping two families may not. */
function reduce(errors: Errors, { spec }: Service, { spec: old }: Service): void {
  if (spec.ipFamilyPolicy === "SingleStack") {
    if (sameList(old.clusterIPs, spec.clusterIPs)) spec.clusterIPs = (spec.clusterIPs ?? []).slice(0, 1);
    if (sameList(old.ipFamilies, spec.ipFamilies)) spec.ipFamilies = (spec.ipFamilies ?? []).slice(0, 1);
    return;
  }
  const fewer = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean =>
    (a?.length ?? 0) > 0 && (a?.length ?? 0) < (b?.length ?? 0);
  const words = "must be 'SingleStack' to release the secondary";
  if (fewer(spec.clusterIPs, old.clusterIPs)) {
    errors.push(invalidValue(POLICY, spec.ipFamilyPolicy, `${words} cluster IP`));
  }
  if (fewer(spec.ipFamilies, old.ipFamilies)) {
    errors.push(invalidValue(POLICY, spec.ipFamilyPolicy, `${words} IP family`));
  }
}

function inferFromIps(errors: Errors, cluster: readonly IpFamily[], spec: corev1.ServiceSpec): void {
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === "None") return;
    const family = isIpv6(ip) ? "IPv6" : "IPv4";
    if (i < (spec.ipFamilies?.length ?? 0)) continue;
    if (cluster.includes(family)) (spec.ipFamilies ??= []).push(family);
    else {
      const words = `${family} is not configured on this cluster`;
      errors.push(invalidValue(`spec.clusterIPs[${i}]`, spec.clusterIPs, words));
    }
  }
}

/** An update of a service that prefers two families and changes nothing about them: left alone, whatever the cluster has. */
export function isUnchangedPreferDualStack({ spec }: Service, { spec: old }: Service): boolean {
  if (spec.ipFamilyPolicy !== "PreferDualStack" || spec.type !== old.type || spec.type === "ExternalName") return false;
  if (old.ipFamilyPolicy !== undefined && old.ipFamilyPolicy !== "PreferDualStack") return false;
  return sameList(old.clusterIPs, spec.clusterIPs) && sameList(old.ipFamilies, spec.ipFamilies);
}
