import type { corev1 } from "../../api/index.ts";
import { type Amounts, CPU, MEMORY, type ResourceReader } from "./resource-amounts.ts";

/** What a container without cpu or memory requests counts as when pods are spread (pkg/scheduler/util). */
export const DEFAULT_MILLI_CPU = 100;
export const DEFAULT_MEMORY = 200 * 1024 * 1024;

/** What {@link podRequests} counts. */
export interface RequestOptions {
  /** Count what containers hold by their status as well, for pods that are resized in place. */
  readonly useStatus?: boolean;
  /** What containers count as that request none of these. */
  readonly missing?: Amounts;
}

/** The defaults above as amounts. */
export const NON_ZERO: Amounts = new Map([
  [CPU, DEFAULT_MILLI_CPU],
  [MEMORY, DEFAULT_MEMORY],
]);

/**
 * What a pod asks for: the larger of its containers together and the most that initialization takes, sidecars counted
 * with both; replaced by pod-level requests where set; plus overhead (component-helpers/resource `PodRequests`).
 */
export function podRequests(pod: corev1.Pod, reader: ResourceReader, options: RequestOptions = {}): Amounts {
  const total = containerRequests(pod, reader, options);
  const podLevel = pod.spec.resources?.requests;
  if (podLevel) {
    for (const name in podLevel) {
      const id = isPodLevel(name) ? reader.idOf(name) : undefined;
      if (id !== undefined) total.set(id, reader.amountOf(id, podLevel[name] as string));
    }
  }
  if (pod.spec.overhead) add(total, reader.read(pod.spec.overhead));
  return total;
}

/** Whether pod-level requests count. */
export function hasPodLevelRequests(pod: corev1.Pod): boolean {
  const requests = pod.spec.resources?.requests;
  return requests !== undefined && Object.keys(requests).some(isPodLevel);
}

function isPodLevel(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

function containerRequests(pod: corev1.Pod, reader: ResourceReader, options: RequestOptions): Amounts {
  const { spec } = pod;
  const statuses = options.useStatus ? resizeStatuses(pod) : undefined;
  const requestsOf = (container: corev1.Container, resizable: boolean): Amounts => {
    const status = resizable ? statuses?.get(container.name) : undefined;
    const own = reader.read(container.resources?.requests);
    const held = status ? effective(pod, own, status, reader) : own;
    return options.missing ? withMissing(held, options.missing) : held;
  };
  const total: Amounts = new Map();
  for (const container of spec.containers) add(total, requestsOf(container, true));
  if (!spec.initContainers?.length) return total;
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of spec.initContainers) {
    const sidecar = container.restartPolicy === "Always";
    const requests = requestsOf(container, sidecar);
    if (sidecar) {
      add(total, requests);
      add(sidecars, requests);
      raise(peak, sidecars);
    } else {
      add(requests, sidecars);
      raise(peak, requests);
    }
  }
  raise(total, peak);
  return total;
}

type Statuses = ReadonlyMap<string, corev1.ContainerStatus>;

function resizeStatuses({ status }: corev1.Pod): Statuses | undefined {
  let found: Map<string, corev1.ContainerStatus> | undefined;
  for (const list of [status?.containerStatuses, status?.initContainerStatuses]) {
    for (const one of list ?? []) if (one.resources) (found ??= new Map()).set(one.name, one);
  }
  return found;
}

function effective(pod: corev1.Pod, spec: Amounts, status: corev1.ContainerStatus, reader: ResourceReader): Amounts {
  const pending = pod.status.conditions?.find((c) => c.type === "PodResizePending");
  const result = pending?.reason === "Infeasible" ? (new Map() as Amounts) : spec;
  raise(result, reader.read(status.resources?.requests));
  raise(result, reader.read(status.allocatedResources));
  return result;
}

function withMissing(requests: Amounts, missing: Amounts): Amounts {
  for (const [id, amount] of missing) if (!requests.has(id)) requests.set(id, amount);
  return requests;
}

function add(total: Amounts, more: Amounts): void {
  for (const [id, amount] of more) total.set(id, (total.get(id) ?? 0) + amount);
}

function raise(total: Amounts, other: Amounts): void {
  for (const [id, amount] of other) if (amount > (total.get(id) ?? -1)) total.set(id, amount);
}
