import type { corev1 } from "../../api/index.ts";
import { isQualifiedName, parseTime, type Quantity } from "../../machinery/index.ts";
import { isPodTerminal, podCondition } from "../common/pods.ts";
import { addTo, type Amounts, amountsOf, count, raiseTo } from "./amounts.ts";

type Pod = corev1.Pod;
type Kind = "requests" | "limits";

const NAMES = new Set(["cpu", "memory", "ephemeral-storage"]);
const QUOTA_NAMES = new Set([
  "pods",
  "count/pods",
  ...[...NAMES].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
const HUGE = "hugepages-";
const DEVICE_CLASS = "deviceclass.resource.kubernetes.io/";

/** Whether a quota of that name is about pods. */
export function limitsPods(name: string): boolean {
  return QUOTA_NAMES.has(name) || name.startsWith(HUGE) || name.startsWith(`requests.${HUGE}`) || isDeviceRequest(name);
}

function isDeviceRequest(name: string): boolean {
  if (!name.startsWith("requests.")) return false;
  return !isNative(name) || name.startsWith(`requests.${DEVICE_CLASS}`);
}

function isNative(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

function isExtended(name: string): boolean {
  return !isNative(name) && !name.startsWith("requests.") && isQualifiedName(`requests.${name}`).length === 0;
}

/** Ended, or so long overdue that it should have: the time it was given after its deletion is over. */
export function isPodOver(pod: Pod, now: number): boolean {
  if (isPodTerminal(pod)) return true;
  const { deletionTimestamp, deletionGracePeriodSeconds: grace } = pod.metadata;
  if (deletionTimestamp === undefined || grace === undefined) return false;
  return now > parseTime(deletionTimestamp) + grace * 1000;
}

/** What a pod counts for: what it asks for as long as it may run; as an object, always. */
export function podUsage(pod: Pod, now: number): Amounts {
  const usage = new Map([["count/pods", count(1)]]);
  if (isPodOver(pod, now)) return usage;
  usage.set("pods", count(1));
  const requests = podAmounts(pod, "requests");
  const limits = podAmounts(pod, "limits");
  for (const name of NAMES) {
    const [request, limit] = [requests.get(name), limits.get(name)];
    if (request !== undefined) usage.set(name, request).set(`requests.${name}`, request);
    if (limit !== undefined) usage.set(`limits.${name}`, limit);
  }
  for (const [name, request] of requests) {
    if (name.startsWith(HUGE)) usage.set(name, request).set(`requests.${name}`, request);
    if (isExtended(name) || name.startsWith(DEVICE_CLASS)) usage.set(`requests.${name}`, request);
  }
  return usage;
}

/**
 * What the containers that run at the same time need together, or an init container with the sidecars before it, whichever is
 * more; what the pod as a whole asks for takes its place.
 */
function podAmounts(pod: Pod, kind: Kind): Amounts {
  const { spec } = pod;
  const given = givenTo(pod);
  const total = new Map<string, Quantity>();
  for (const container of spec.containers) addTo(total, given(container, kind));
  const sidecars = new Map<string, Quantity>();
  const start = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const own = given(container, kind);
    if (container.restartPolicy === "Always") {
      addTo(total, own);
      addTo(sidecars, own);
      raiseTo(start, sidecars);
    } else {
      const together = new Map(own);
      addTo(together, sidecars);
      raiseTo(start, together);
    }
  }
  raiseTo(total, start);
  for (const [name, amount] of amountsOf(spec.resources?.[kind])) {
    if (name === "cpu" || name === "memory" || name.startsWith(HUGE)) total.set(name, amount);
  }
  for (const [name, amount] of amountsOf(spec.overhead)) {
    const known = total.get(name);
    if (kind === "requests" || (known !== undefined && !known.isZero())) total.set(name, known?.add(amount) ?? amount);
  }
  return total;
}

/** While a container is resized it counts for the most of what it asks for, has, and was promised. */
function givenTo({ status }: Pod): (container: corev1.Container, kind: Kind) => Amounts {
  const statuses = new Map(
    [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].map((each) => [each.name, each]),
  );
  const pending = status.conditions?.find(({ type }) => type === "PodResizePending");
  return ({ name, resources }, kind) => {
    const own = amountsOf(resources?.[kind]);
    const actual = statuses.get(name);
    if (actual?.resources === undefined) return own;
    // What cannot be done is not waited for.
    const amounts = pending?.reason === "Infeasible" ? new Map<string, Quantity>() : own;
    raiseTo(amounts, amountsOf(actual.resources[kind]));
    if (kind === "requests") raiseTo(amounts, amountsOf(actual.allocatedResources));
    return amounts;
  };
}

/** Whether the pod has a deadline, and so will end. */
export function hasDeadline({ spec }: Pod): boolean {
  return (spec.activeDeadlineSeconds ?? -1) >= 0;
}

/** Whether the pod makes no requests and has no limits. */
export function isBestEffort({ spec }: Pod): boolean {
  const asking = [spec, ...spec.containers, ...(spec.initContainers ?? [])];
  return asking.every(({ resources }) =>
    [resources?.requests, resources?.limits].every((list) =>
      [...amountsOf(list)].every(([name, amount]) => (name !== "cpu" && name !== "memory") || amount.isZero()),
    ),
  );
}

/** Whether it wants to be near or far from pods of other namespaces. */
export function looksElsewhere({ spec }: Pod): boolean {
  return [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity].some((affinity) => {
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const terms = [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...preferred.map(({ podAffinityTerm }) => podAffinityTerm),
    ];
    return terms.some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
  });
}

/** Whether the update of a pod may free what it used. */
export function podFreed(pod: Pod, before: Pod, now: number): boolean {
  if (isPodOver(pod, now) && !isPodOver(before, now)) return true;
  const sizes = ({ status }: Pod): string =>
    JSON.stringify(
      [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].map((s) => s.resources),
    );
  if (hasDeadline(pod) !== hasDeadline(before) || sizes(pod) !== sizes(before)) return true;
  return podCondition(pod, "PodResizePending")?.reason !== podCondition(before, "PodResizePending")?.reason;
}
