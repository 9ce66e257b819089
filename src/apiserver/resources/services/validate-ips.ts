import type { corev1 } from "../../../api/index.ts";
import { duplicate, invalidValue, notSupported, required } from "../../../machinery/index.ts";
import { type Errors, optionalOneOf } from "../common/errors.ts";
import { isDualStack, isIpv6, validateLegacyIp } from "../common/ip.ts";
import { isHeadless } from "./facts.ts";

type Service = corev1.Service;
const IPS = "spec.clusterIPs";

/** Cluster IPs and IP families: each well formed, and the two in agreement. */
export function validateClusterIps(errors: Errors, service: Service, old: Service | undefined, strict: boolean): void {
  const { spec } = service;
  if (spec.type === "ExternalName") return;
  const { clusterIP = "", clusterIPs: ips = [], ipFamilies: families = [] } = spec;
  if (clusterIP !== "") {
    if (ips.length === 0) errors.push(required(IPS));
    else if (ips[0] !== clusterIP) errors.push(invalidValue(IPS, ips, "first value must match `clusterIP`"));
  } else if (ips.length > 0) errors.push(invalidValue(IPS, ips, "must be empty when `clusterIP` is not specified"));
  for (const [i, family] of families.entries()) {
    if (family !== "IPv4" && family !== "IPv6") {
      errors.push(notSupported(`spec.ipFamilies[${i}]`, family, ["IPv4", "IPv6"]));
    }
    if (families.indexOf(family) < i) errors.push(duplicate(`spec.ipFamilies[${i}]`, family));
  }
  const policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
  optionalOneOf(errors, "spec.ipFamilyPolicy", spec.ipFamilyPolicy, policies);
  const before = errors.length;
  for (const [i, ip] of ips.entries()) {
    if (i > 0 || ip !== "None")
      validateLegacyIp(errors, `${IPS}[${i}]`, ip, { old: old?.spec.clusterIPs ?? [], strict });
    else if (ips.length > 1) errors.push(invalidValue(IPS, ips, "'None' must be the first and only value"));
  }
  const wellFormed = errors.length === before;
  if (ips.length > 2) errors.push(invalidValue(IPS, ips, "may only hold up to 2 values"));
  if (!wellFormed) return;
  if (ips.length > 1 && !isDualStack(ips)) {
    errors.push(invalidValue(IPS, ips, "may specify no more than one IP for each IP family"));
  }
  if (isHeadless(service)) return;
  for (const [i, ip] of ips.slice(0, families.length).entries()) {
    const family = families[i];
    if ((family === "IPv6") === isIpv6(ip) || (family !== "IPv4" && family !== "IPv6")) continue;
    const words = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    errors.push(invalidValue(`${IPS}[${i}]`, ip, words));
  }
}

/** Cluster IPs and families do not change once set; a second one may come and go. */
export function validateIpChange(errors: Errors, service: Service, old: Service): void {
  if (service.spec.type === "ExternalName" || old.spec.type === "ExternalName") return;
  const [headless, wasHeadless] = [isHeadless(service), isHeadless(old)];
  if (!(headless && wasHeadless)) {
    validateChange(errors, service, ["clusterIPs", service.spec.clusterIPs ?? [], old.spec.clusterIPs ?? []]);
  }
  if (!headless && !wasHeadless) {
    validateChange(errors, service, ["ipFamilies", service.spec.ipFamilies ?? [], old.spec.ipFamilies ?? []]);
  }
}

function validateChange(
  errors: Errors,
  { spec }: Service,
  [field, next, old]: ["clusterIPs" | "ipFamilies", readonly string[], readonly string[]],
): void {
  const say = (i: number, value: unknown, words: string): void =>
    void errors.push(invalidValue(`spec.${field}[${i}]`, value, words));
  const one = field === "clusterIPs" ? "clusterIP" : "ipFamily";
  const shown = field === "clusterIPs" ? next : (spec.clusterIPs ?? []);
  const first = (): void => {
    if (old.length > 0 && next.length > 0 && next[0] !== old[0]) say(0, shown, "may not change once set");
  };
  if (old.length === next.length) {
    for (const [i, value] of old.entries()) {
      if (value !== next[i]) say(field === "clusterIPs" ? i : 0, next, "may not change once set");
    }
  } else if (old.length < next.length) first();
  else {
    if ((spec.clusterIPs ?? []).length === 0) say(0, next, `primary ${one} can not be unset`);
    first();
    if (next.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
      const words = `must be set to 'SingleStack' when releasing the secondary ${one}`;
      errors.push(invalidValue("spec.ipFamilyPolicy", spec.ipFamilyPolicy ?? null, words));
    }
  }
}
