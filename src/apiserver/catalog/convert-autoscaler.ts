import type { autoscalingv1, autoscalingv2 } from "../../api/index.ts";
import type { ApiObject } from "../seams/index.ts";
import type { ObjectModel } from "./kind.ts";

/** Where autoscaling/v1 keeps what its fields can't say (upstream's names). */
const METRICS = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior";

type V1 = autoscalingv1.HorizontalPodAutoscaler;
type V2 = autoscalingv2.HorizontalPodAutoscaler;

/** autoscaling/v1 ↔ v2: v1 knows one CPU target; everything else travels in annotations. */
export const autoscalerConversion: NonNullable<ObjectModel["convert"]> = {
  toHub: (object) => toV2(object as unknown as V1) as unknown as ApiObject,
  fromHub: (object) => toV1(object as unknown as V2) as unknown as ApiObject,
};

function toV2(v1: V1): object {
  const annotations = { ...v1.metadata.annotations };
  const take = <T>(name: string): T | undefined => {
    const text = annotations[name];
    delete annotations[name];
    return text === undefined ? undefined : parse<T>(text);
  };
  const { targetCPUUtilizationPercentage: target, ...spec } = v1.spec;
  const { currentCPUUtilizationPercentage: current, ...status } = (v1.status ?? {}) as Partial<V1["status"]>;
  const cpu = target === undefined ? [] : [cpuMetric(target)];
  const metrics = [...(take<autoscalingv2.MetricSpec[]>(METRICS) ?? []), ...cpu];
  const ofCpu = current === undefined ? [] : [cpuStatus(current)];
  const currentMetrics = [...(take<autoscalingv2.MetricStatus[]>(CURRENT_METRICS) ?? []), ...ofCpu];
  const behavior = take<V2["spec"]["behavior"]>(BEHAVIOR);
  const conditions = take<V2["status"]["conditions"]>(CONDITIONS);
  return {
    ...v1,
    metadata: withAnnotations(v1.metadata, annotations),
    spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(behavior && { behavior }) },
    status: { ...status, ...(currentMetrics.length > 0 && { currentMetrics }), ...(conditions && { conditions }) },
  };
}

function toV1(v2: V2): object {
  const { metrics = [], behavior, ...spec } = v2.spec;
  const { currentMetrics = [], conditions, ...status } = v2.status;
  const cpu = metrics.find(isCpuUtilization);
  const cpuNow = currentMetrics?.find((m) => m.type === "Resource" && m.resource?.name === "cpu");
  const others = metrics.filter((m) => m !== cpu);
  const annotations = { ...v2.metadata.annotations };
  const put = (name: string, value: unknown, wanted: boolean): void => {
    if (wanted) annotations[name] = JSON.stringify(value);
  };
  put(METRICS, others, others.length > 0);
  const othersNow = currentMetrics?.filter((m) => m !== cpuNow) ?? [];
  put(CURRENT_METRICS, othersNow, othersNow.length > 0);
  put(CONDITIONS, conditions, (conditions?.length ?? 0) > 0);
  put(BEHAVIOR, behavior, behavior !== undefined);
  const target = cpu?.resource?.target.averageUtilization;
  const current = cpuNow?.resource?.current.averageUtilization;
  return {
    ...v2,
    metadata: withAnnotations(v2.metadata, annotations),
    spec: { ...spec, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    status: { ...status, ...(current !== undefined && { currentCPUUtilizationPercentage: current }) },
  };
}

function isCpuUtilization(metric: autoscalingv2.MetricSpec): boolean {
  return metric.resource?.name === "cpu" && metric.resource.target.averageUtilization !== undefined;
}

function cpuMetric(averageUtilization: number): object {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

function cpuStatus(averageUtilization: number): object {
  return { type: "Resource", resource: { name: "cpu", current: { averageUtilization } } };
}

function withAnnotations<T extends object>(metadata: T, annotations: Record<string, string>): object {
  const { annotations: _, ...rest } = metadata as { annotations?: unknown };
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
