import type { corev1 } from "../../api/index.ts";
import { Quantity, tryParseTime } from "../../machinery/index.ts";
import { isPodReady, podCondition } from "../common/pods.ts";

type Pod = corev1.Pod;

/** A pod's measured value, in thousandths. Times are milliseconds. */
export interface PodMetric {
  readonly value: number;
  readonly timestamp: number;
  /** How long was measured. */
  readonly window: number;
}

/** Values by pod name. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** How far from the target usage may be before anything happens, as shares. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

/** What the calculation of a size starts from. */
export interface Situation {
  readonly pods: readonly Pod[];
  readonly current: number;
  readonly tolerances: Tolerances;
  readonly cpuInitializationPeriodMs: number;
  readonly initialReadinessDelayMs: number;
  readonly now: number;
}

/** A size, and the usage that asks for it: the average in thousandths and, where there are requests, the percentage of them. */
export interface Proposal {
  readonly replicas: number;
  readonly average: number;
  readonly utilization?: number;
}

const LARGEST = 0x7fffffff;

/** Whether a usage, as a multiple of the target, is near enough to leave things as they are. */
export function isWithin({ up, down }: Tolerances, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

interface Groups {
  readonly ready: number;
  readonly unready: readonly string[];
  readonly missing: readonly string[];
  /** The values of pods that count. */
  readonly metrics: Map<string, number>;
}

function groupPods({ pods, ...limits }: Situation, metrics: PodMetrics, resource: string | undefined): Groups {
  const unready: string[] = [];
  const missing: string[] = [];
  // Values of pods that are not here any more, or not in the cache yet, count as well.
  const counted = new Map([...metrics].map(([name, { value }]) => [name, value]));
  let ready = 0;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const metric = metrics.get(name);
    if (deletionTimestamp !== undefined || pod.status.phase === "Failed") counted.delete(name);
    else if (pod.status.phase === "Pending") unready.push(name);
    else if (metric === undefined) missing.push(name);
    else if (resource === "cpu" && isWarmingUp(pod, metric, limits)) unready.push(name);
    else ready++;
  }
  for (const name of unready) counted.delete(name);
  return { ready, unready, missing, metrics: counted };
}

/** CPU usage says little while a pod starts. */
function isWarmingUp(pod: Pod, metric: PodMetric, limits: Omit<Situation, "pods">): boolean {
  const condition = podCondition(pod, "Ready");
  const started = tryParseTime(pod.status.startTime);
  if (condition === undefined || started === undefined) return true;
  const changed = tryParseTime(condition.lastTransitionTime) ?? 0;
  const unready = condition.status === "False";
  if (started + limits.cpuInitializationPeriodMs > limits.now) {
    return unready || metric.timestamp < changed + metric.window;
  }
  // It was unready from the start.
  return unready && started + limits.initialReadinessDelayMs > changed;
}

/** How usage compares with the target: a function of the values that count. */
interface Measure {
  ratio(values: ReadonlyMap<string, number>): number;
  /** What a pod without a value is taken to use when the size would shrink. */
  full(pod: string): number;
}

/** The size at which usage meets the target, erring on the side of no change where values are missing. */
function propose(situation: Situation, groups: Groups, measure: Measure): number {
  const { current, tolerances } = situation;
  const ratio = measure.ratio(groups.metrics);
  const countUnready = groups.unready.length > 0 && ratio > 1;
  if (!countUnready && groups.missing.length === 0) {
    return isWithin(tolerances, ratio) ? current : ceil(ratio * groups.ready);
  }
  const values = new Map(groups.metrics);
  for (const name of groups.missing) {
    if (ratio < 1) values.set(name, measure.full(name));
    else if (ratio > 1) values.set(name, 0);
  }
  if (countUnready) for (const name of groups.unready) values.set(name, 0);
  const adjusted = measure.ratio(values);
  const turned = (ratio < 1 && adjusted > 1) || (ratio > 1 && adjusted < 1);
  if (isWithin(tolerances, adjusted) || turned) return current;
  const replicas = ceil(adjusted * values.size);
  const wrongWay = (adjusted < 1 && replicas > current) || (adjusted > 1 && replicas < current);
  return wrongWay ? current : replicas;
}

function ceil(replicas: number): number {
  return Math.min(LARGEST, Math.ceil(replicas));
}

function checked(situation: Situation, metrics: PodMetrics, resource: string | undefined): Groups {
  if (situation.pods.length === 0) throw new Error("no pods returned by selector while calculating replica count");
  const groups = groupPods(situation, metrics, resource);
  if (groups.metrics.size === 0) {
    throw new Error("did not receive metrics for targeted pods (pods might be unready)");
  }
  return groups;
}

/** The size at which pods use `target` (thousandths) each on average. */
export function replicasForAverage(
  situation: Situation,
  metrics: PodMetrics,
  target: number,
  resource?: string,
): Proposal {
  const groups = checked(situation, metrics, resource);
  const average = (values: ReadonlyMap<string, number>): number => Math.trunc(sum(values.values()) / values.size);
  const measure = { ratio: (values: ReadonlyMap<string, number>) => average(values) / target, full: () => target };
  return { replicas: propose(situation, groups, measure), average: average(groups.metrics) };
}

/** The size at which pods use `target` percent of what they request. */
export function replicasForUtilization(
  situation: Situation,
  metrics: PodMetrics,
  target: number,
  resource: string,
  container: string | undefined,
): Proposal {
  const groups = checked(situation, metrics, resource);
  const requests = new Map(
    situation.pods.map((pod) => [pod.metadata.name, requestOf(pod, resource, container)] as const),
  );
  const usage = (values: ReadonlyMap<string, number>): { utilization: number; average: number } => {
    const known = [...values].filter(([name]) => requests.has(name));
    const requested = known.reduce((total, [name]) => total + (requests.get(name) ?? 0), 0);
    if (requested === 0) throw new Error("no metrics returned matched known pods");
    const used = known.reduce((total, [, value]) => total + value, 0);
    return { utilization: Math.trunc((used * 100) / requested), average: Math.trunc(used / known.length) };
  };
  const measure: Measure = {
    ratio: (values) => usage(values).utilization / target,
    full: (name) => Math.trunc(((requests.get(name) ?? 0) * Math.max(100, target)) / 100),
  };
  return { replicas: propose(situation, groups, measure), ...usage(groups.metrics) };
}

/** What the pod, or one of its containers, requests in thousandths. */
function requestOf({ metadata, spec }: Pod, resource: string, container: string | undefined): number {
  const whole = spec.resources?.requests;
  if (container === undefined && whole !== undefined && Object.keys(whole).length > 0 && resource in whole) {
    return milli(whole[resource]);
  }
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const all = [...spec.containers, ...sidecars];
  const counted = container === undefined ? all : all.filter(({ name }) => name === container);
  if (container !== undefined && counted.length === 0) {
    throw new Error(`container ${container} not found in Pod ${metadata.name}`);
  }
  return counted.reduce((total, { name, resources }) => {
    const request = resources?.requests?.[resource];
    if (request === undefined) {
      throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
    }
    return total + milli(request);
  }, 0);
}

function milli(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Quantity.parse(quantity).milliValue();
}

/** The size at which one value that all pods share comes down to `target`. From zero, any usage makes a beginning. */
export function replicasForValue(situation: Situation, usage: number, target: number): number {
  const { current, tolerances, pods } = situation;
  const ratio = usage / target;
  if (current === 0) return ceil(ratio);
  if (isWithin(tolerances, ratio)) return current;
  if (pods.length === 0) {
    throw new Error("unable to calculate ready pods: no pods returned by selector while calculating replica count");
  }
  const ready = pods.filter((pod) => pod.status.phase === "Running" && isPodReady(pod)).length;
  return ceil(ratio * ready);
}

/** The size at which one value, divided by the pods there are, comes down to `target`. */
export function replicasForShare(replicas: number, tolerances: Tolerances, usage: number, target: number): Proposal {
  const near = isWithin(tolerances, usage / (target * replicas));
  return { replicas: near ? replicas : ceil(usage / target), average: Math.ceil(usage / replicas) };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
