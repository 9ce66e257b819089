import type { autoscalingv1, autoscalingv2 } from "../../../api/index.ts";
import { age, type Cells } from "./words.ts";

/** `horizontalpodautoscalers.autoscaling`. */
export const autoscalerCells: Cells<autoscalingv2.HorizontalPodAutoscaler> = ({ metadata, spec, status }, now) => [
  metadata.name,
  `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
  metricsText(spec.metrics ?? [], status.currentMetrics ?? []),
  spec.minReplicas === undefined ? "<unset>" : String(spec.minReplicas),
  spec.maxReplicas,
  status.currentReplicas ?? 0,
  age({ metadata }, now),
];

/** A Scale. */
export const scaleCells: Cells<autoscalingv1.Scale> = ({ metadata, spec, status }, now) => [
  metadata.name,
  spec?.replicas ?? 0,
  status?.replicas ?? 0,
  age({ metadata }, now),
];

const MAX_METRICS = 2;

function metricsText(
  specs: readonly autoscalingv2.MetricSpec[],
  statuses: readonly autoscalingv2.MetricStatus[],
): string {
  if (specs.length === 0) return "<none>";
  const texts = specs.map((spec, i) => metricText(spec, statuses[i]));
  const shown = texts.slice(0, MAX_METRICS).join(", ");
  return texts.length > MAX_METRICS ? `${shown} + ${texts.length - MAX_METRICS} more...` : shown;
}

function metricText(spec: autoscalingv2.MetricSpec, status: autoscalingv2.MetricStatus | undefined): string {
  switch (spec.type) {
    case "External":
      return valueText(spec.external?.target, status?.external?.current);
    case "Object":
      return valueText(spec.object?.target, status?.object?.current);
    case "Pods":
      return `${status?.pods?.current.averageValue ?? "<unknown>"}/${spec.pods?.target.averageValue ?? ""}`;
    case "Resource":
      return utilizationText(spec.resource, status?.resource);
    case "ContainerResource":
      return utilizationText(spec.containerResource, status?.containerResource);
    default:
      return "<unknown type>";
  }
}

function valueText(
  target: autoscalingv2.MetricTarget | undefined,
  current: autoscalingv2.MetricValueStatus | undefined,
): string {
  if (target?.averageValue !== undefined) {
    return `${current?.averageValue ?? "<unknown>"}/${target.averageValue} (avg)`;
  }
  return `${current?.value ?? "<unknown>"}/${target?.value ?? ""}`;
}

function utilizationText(
  source: { readonly name: string; readonly target: autoscalingv2.MetricTarget } | undefined,
  status: { readonly current: autoscalingv2.MetricValueStatus } | undefined,
): string {
  const { name = "", target } = source ?? {};
  if (target?.averageValue !== undefined) {
    return `${name}: ${status?.current.averageValue ?? "<unknown>"}/${target.averageValue}`;
  }
  const percent = (n: number | undefined, empty: string): string => (n === undefined ? empty : `${n}%`);
  const current = percent(status?.current.averageUtilization, "<unknown>");
  return `${name}: ${current}/${percent(target?.averageUtilization, "<auto>")}`;
}
