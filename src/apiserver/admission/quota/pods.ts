import type { corev1 } from "../../../api/index.ts";
import { isExtendedResource, isHugePages, isNativeResource } from "../../resources/common/quantities.ts";
import {
  type AmountKind,
  type Amounts,
  amountsOf,
  type ContainerAmounts,
  isPodLevel,
  maxAmounts,
  podLimits,
  podRequests,
} from "../../resources/common/pod-resources.ts";
import { qosClassOf } from "../../resources/index.ts";
import { count, plus } from "./amounts.ts";
import { type Evaluator, selectorMeets } from "./evaluator.ts";

const COUNT = "count/pods";
const DEVICE_CLASS = "deviceclass.resource.kubernetes.io/";
const NAMES = new Set([
  COUNT,
  "pods",
  "cpu",
  "memory",
  "ephemeral-storage",
  ...["cpu", "memory", "ephemeral-storage"].flatMap((name) => [`requests.${name}`, `limits.${name}`]),
]);
/** What every container must say once a quota limits it. */
const REQUIRED = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);

/** Pods count by what they ask for, until they are done. */
export const podEvaluator: Evaluator = {
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === "resize") return operation === "UPDATE";
    if (subresource !== "") return false;
    return operation === "CREATE" || (operation === "UPDATE" && hasDeadline(object) !== hasDeadline(oldObject));
  },
  limits: (name) =>
    NAMES.has(name) || isHugePages(name) || name.startsWith("requests.hugepages-") || isDeviceRequest(name),
  inScope(selector, object) {
    const pod = object as corev1.Pod;
    switch (selector.scopeName) {
      case "Terminating":
        return hasDeadline(pod);
      case "NotTerminating":
        return !hasDeadline(pod);
      case "BestEffort":
        return qosClassOf(pod.spec) === "BestEffort";
      case "NotBestEffort":
        return qosClassOf(pod.spec) !== "BestEffort";
      case "PriorityClass":
        return selectorMeets(selector, pod.spec.priorityClassName ? [pod.spec.priorityClassName] : []);
      case "CrossNamespacePodAffinity":
        return looksElsewhere(pod.spec.affinity);
      default:
        return false;
    }
  },
  missing(limited, object) {
    const { spec } = object as corev1.Pod;
    const names = [...Object.keys(spec.resources?.requests ?? {}), ...Object.keys(spec.resources?.limits ?? {})];
    if (names.some(isPodLevel)) return undefined;
    const lacking = new Map<string, Set<string>>();
    for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
      const said = usageOf(amountsOf(container.resources.requests), amountsOf(container.resources.limits));
      for (const name of limited) {
        if (!REQUIRED.has(name) || said.has(name)) continue;
        lacking.set(name, (lacking.get(name) ?? new Set()).add(container.name));
      }
    }
    if (lacking.size === 0) return undefined;
    const parts = [...lacking].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `must specify ${parts.map(([name, who]) => `${name} for: ${[...who].toSorted().join(",")}`).join("; ")}`;
  },
  usage(object, now) {
    const pod = object as corev1.Pod;
    const counted: Amounts = new Map([[COUNT, count(1)]]);
    if (isDone(pod, now)) return counted;
    const given = givenAmounts(pod);
    return plus(counted, usageOf(podRequests(pod.spec, given), podLimits(pod.spec, given)));
  },
};

/** Objects of users, such as `requests.example.com/gpu`. */
function isDeviceRequest(name: string): boolean {
  return name.startsWith("requests.") && (!isNativeResource(name) || name.startsWith(`requests.${DEVICE_CLASS}`));
}

function hasDeadline(object: unknown): boolean {
  return ((object as corev1.Pod).spec.activeDeadlineSeconds ?? -1) >= 0;
}

function looksElsewhere({ podAffinity, podAntiAffinity }: corev1.Affinity = {}): boolean {
  return [podAffinity, podAntiAffinity].some((affinity) => {
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const terms = [...required, ...preferred.map((weighted) => weighted.podAffinityTerm)];
    return terms.some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
  });
}

function usageOf(requests: Amounts, limits: Amounts): Amounts {
  const usage: Amounts = new Map([["pods", count(1)]]);
  for (const name of ["cpu", "memory", "ephemeral-storage"]) {
    const [request, limit] = [requests.get(name), limits.get(name)];
    if (request) usage.set(name, request).set(`requests.${name}`, request);
    if (limit) usage.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requests) {
    if (isHugePages(name)) usage.set(name, request).set(`requests.${name}`, request);
    if (isExtendedResource(name) || name.startsWith(DEVICE_CLASS)) usage.set(`requests.${name}`, request);
  }
  return usage;
}

/** A pod that ended, or that should have long ago, uses nothing any more. */
function isDone({ metadata, status }: corev1.Pod, now: number): boolean {
  if (status.phase === "Failed" || status.phase === "Succeeded") return true;
  const { deletionTimestamp, deletionGracePeriodSeconds: grace } = metadata;
  return deletionTimestamp !== undefined && grace !== undefined && now > Date.parse(deletionTimestamp) + grace * 1000;
}

/** While a container is being resized it counts for the most of what it asks for, has, and was promised. */
function givenAmounts({ status }: corev1.Pod): ContainerAmounts {
  const statuses = new Map(
    [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].map((s) => [s.name, s]),
  );
  const pending = (status.conditions ?? []).find((condition) => condition.type === "PodResizePending");
  const infeasible = pending?.reason === "Infeasible";
  return (container, kind: AmountKind) => {
    const own = amountsOf(container.resources?.[kind]);
    const given = statuses.get(container.name);
    if (!given?.resources) return own;
    const amounts = infeasible ? new Map() : own;
    maxAmounts(amounts, amountsOf(given.resources[kind]));
    if (kind === "requests") maxAmounts(amounts, amountsOf(given.allocatedResources));
    return amounts;
  };
}
