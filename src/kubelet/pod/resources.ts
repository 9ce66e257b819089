import type { corev1 } from "../../api/index.ts";
import { Quantity } from "../../machinery/index.ts";
import { type Container, type Pod, isSidecar } from "./containers.ts";

export type QosClass = "BestEffort" | "Burstable" | "Guaranteed";
type Requirements = corev1.ResourceRequirements;

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const SHARES_PER_CPU = 1024;
const PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;

function amount(list: Readonly<Record<string, string>> | undefined, name: string): Quantity | undefined {
  const text = list?.[name];
  return text === undefined ? undefined : Quantity.parse(text);
}

/** Guaranteed: every container limits cpu and memory to what it requests. BestEffort: none asks for either. */
export function qosClassOf(pod: Pod): QosClass {
  const set = pod.spec.resources ? [pod.spec.resources] : allRequirements(pod);
  let any = false;
  let guaranteed = set.length > 0;
  for (const { requests, limits } of set) {
    for (const name of ["cpu", "memory"]) {
      const request = amount(requests, name);
      const limit = amount(limits, name);
      if ((request && !request.isZero()) || (limit && !limit.isZero())) any = true;
      if (!limit || limit.isZero() || (request && !request.equals(limit))) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

function allRequirements(pod: Pod): Requirements[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((c) => c.resources ?? {});
}

/** cgroup cpu.shares of so many thousandths of a cpu. */
export function cpuShares(milli: number): number {
  if (milli === 0) return MIN_SHARES;
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milli * SHARES_PER_CPU) / 1000)));
}

/** cgroup cpu.cfs_quota_us for the usual period; 0: unlimited. */
export function cpuQuota(milli: number): number {
  return milli === 0 ? 0 : Math.max(MIN_QUOTA_US, Math.floor((milli * PERIOD_US) / 1000));
}

/** What a cgroup is set to. */
export interface ResourceConfig {
  readonly cpuPeriod: number;
  /** 0: unlimited. */
  readonly cpuQuota: number;
  readonly cpuShares: number;
  /** Bytes; 0: unlimited. */
  readonly memoryLimit: number;
}

/** A container's own cgroup. The request of cpu counts, or its limit where there is no request. */
export function containerResources(container: Container): ResourceConfig {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = amount(limits, "cpu")?.milliValue() ?? 0;
  const cpuRequest = amount(requests, "cpu")?.milliValue() ?? cpuLimit;
  return {
    cpuPeriod: PERIOD_US,
    cpuQuota: cpuQuota(cpuLimit),
    cpuShares: cpuShares(cpuRequest),
    memoryLimit: amount(limits, "memory")?.value() ?? 0,
  };
}

/** A resource of the whole pod: the larger of what the main containers need together and what initialization needs. */
export function podAmount(pod: Pod, kind: "requests" | "limits", name: string): Quantity {
  const own = amount(pod.spec.resources?.[kind], name);
  const overhead = amount(pod.spec.overhead, name) ?? Quantity.zero;
  if (own) return own.add(overhead);
  let together = Quantity.zero;
  for (const container of pod.spec.containers) together = together.add(effective(container, kind, name));
  let sidecars = Quantity.zero;
  let largestInit = Quantity.zero;
  for (const container of pod.spec.initContainers ?? []) {
    const need = effective(container, kind, name);
    if (isSidecar(container)) {
      sidecars = sidecars.add(need);
      largestInit = larger(largestInit, sidecars);
    } else {
      largestInit = larger(largestInit, sidecars.add(need));
    }
  }
  return larger(together.add(sidecars), largestInit).add(overhead);
}

function effective(container: Container, kind: "requests" | "limits", name: string): Quantity {
  return amount(container.resources?.[kind], name) ?? Quantity.zero;
}

function larger(a: Quantity, b: Quantity): Quantity {
  return a.cmp(b) >= 0 ? a : b;
}

/** The pod's cgroup; limits hold only where every container has one. */
export function podResources(pod: Pod): ResourceConfig {
  const every = (name: string): boolean =>
    pod.spec.resources?.limits?.[name] !== undefined ||
    allRequirements(pod).every((r) => r.limits?.[name] !== undefined && r.limits[name] !== "0");
  return {
    cpuPeriod: PERIOD_US,
    cpuQuota: every("cpu") ? cpuQuota(podAmount(pod, "limits", "cpu").milliValue()) : 0,
    cpuShares: cpuShares(podAmount(pod, "requests", "cpu").milliValue()),
    memoryLimit: every("memory") ? podAmount(pod, "limits", "memory").value() : 0,
  };
}

const GUARANTEED_OOM = -997;
const BEST_EFFORT_OOM = 1000;
const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;

/**
 * Who is killed first when memory runs out: best-effort pods before burstable ones, and those the sooner the less memory
 * they requested; guaranteed and node-critical ones last.
 */
export function oomScoreAdjust(pod: Pod, container: Container, memoryCapacity: number): number {
  if ((pod.spec.priority ?? 0) >= SYSTEM_CRITICAL_PRIORITY) return GUARANTEED_OOM;
  const qos = pod.status.qosClass ?? qosClassOf(pod);
  if (qos === "Guaranteed") return GUARANTEED_OOM;
  if (qos === "BestEffort") return BEST_EFFORT_OOM;
  const request = amount(container.resources?.requests, "memory")?.value() ?? 0;
  const score = memoryCapacity > 0 ? 1000 - Math.floor((1000 * request) / memoryCapacity) : 999;
  if (score < 1000 + GUARANTEED_OOM) return 1000 + GUARANTEED_OOM;
  return score === BEST_EFFORT_OOM ? score - 1 : score;
}
