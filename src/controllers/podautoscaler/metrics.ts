import type { autoscalingv2, corev1, metav1 } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import { errorText } from "../../kit/index.ts";
import { parseApiVersion, parseDuration, Quantity, selectorFrom, tryParseTime } from "../../machinery/index.ts";
import type { Scales } from "../common/scales.ts";
import type { PodMetric, PodMetrics } from "./replicas.ts";

interface PodMetricsItem {
  readonly metadata: metav1.ObjectMeta;
  readonly timestamp?: string;
  readonly window?: string;
  readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[];
}

interface MetricValue {
  readonly describedObject?: corev1.ObjectReference;
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly window?: number;
  readonly value: string;
}

interface Items<T> {
  readonly items?: readonly T[];
}

const DEFAULT_WINDOW_MS = 60_000;

/** Reads the three metrics APIs, which extension servers serve. All values are in thousandths. */
export class MetricsReader {
  readonly #client: Client;
  readonly #scales: Scales;

  constructor(client: Client, scales: Scales) {
    this.#client = client;
    this.#scales = scales;
  }

  /** What the pods that `selector` selects use of a resource, or one of their containers does. */
  async resource(
    namespace: string,
    selector: string,
    resource: string,
    container: string | undefined,
    signal: AbortSignal,
  ): Promise<PodMetrics> {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
    const list = await this.#items<PodMetricsItem>("resource", path, { labelSelector: selector }, signal);
    const metrics = new Map<string, PodMetric>();
    for (const item of list) {
      const value = usageOf(item, resource, container);
      if (value === undefined) continue;
      const window = parseDuration(item.window ?? "0");
      metrics.set(item.metadata.name, { value, timestamp: tryParseTime(item.timestamp) ?? 0, window });
    }
    return metrics;
  }

  /** A metric of each of the pods that `selector` selects. */
  async pods(
    namespace: string,
    selector: string,
    metric: autoscalingv2.MetricIdentifier,
    signal: AbortSignal,
  ): Promise<PodMetrics> {
    const path = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/pods/*/${encodeURIComponent(metric.name)}`;
    const query = { labelSelector: selector, ...metricSelector(metric) };
    const list = await this.#items<MetricValue>("custom", path, query, signal);
    return new Map(
      list.map(({ describedObject, timestamp, windowSeconds, window, value }) => {
        const seconds = windowSeconds ?? window;
        const measured = {
          value: Quantity.parse(value).milliValue(),
          timestamp: tryParseTime(timestamp) ?? 0,
          window: seconds === undefined ? DEFAULT_WINDOW_MS : seconds * 1000,
        };
        return [describedObject?.name ?? "", measured];
      }),
    );
  }

  /** A metric of one object. */
  async object(
    namespace: string,
    reference: autoscalingv2.CrossVersionObjectReference,
    metric: autoscalingv2.MetricIdentifier,
    signal: AbortSignal,
  ): Promise<number> {
    const { name, kind, apiVersion = "v1" } = reference;
    const { group } = parseApiVersion(apiVersion);
    const root = "/apis/custom.metrics.k8s.io/v1beta2";
    let path = `${root}/namespaces/${namespace}/metrics/${encodeURIComponent(metric.name)}`;
    if (kind !== "Namespace" || group !== "") {
      const resource = await this.#scales.resourceOf({ apiVersion, kind }, signal);
      if (resource === undefined) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
      const plural = resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`;
      path = `${root}/namespaces/${namespace}/${plural}/${name}/${encodeURIComponent(metric.name)}`;
    }
    const [first] = await this.#items<MetricValue>("custom", path, metricSelector(metric), signal);
    return Quantity.parse(first?.value ?? "0").milliValue();
  }

  /** The sum of all series of a metric that belongs to no object. */
  async external(namespace: string, metric: autoscalingv2.MetricIdentifier, signal: AbortSignal): Promise<number> {
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric.name)}`;
    const labelSelector = selectorText(metric);
    const list = await this.#items<MetricValue>("external", path, labelSelector ? { labelSelector } : {}, signal);
    return list.reduce((total, { value }) => total + Quantity.parse(value).milliValue(), 0);
  }

  async #items<T>(
    api: string,
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    let items: readonly T[];
    try {
      const { body } = await this.#client.transport.request({ method: "GET", path, query, signal });
      items = (body as Items<T>).items ?? [];
    } catch (error) {
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${errorText(error)}`, { cause: error });
    }
    if (items.length === 0) throw new Error(`no metrics returned from ${api} metrics API`);
    return items;
  }
}

function metricSelector(metric: autoscalingv2.MetricIdentifier): Record<string, string> {
  const text = selectorText(metric);
  return text === "" ? {} : { metricLabelSelector: text };
}

function selectorText({ selector }: autoscalingv2.MetricIdentifier): string {
  return selector === undefined ? "" : selectorFrom(selector).toString();
}

/** A pod whose containers do not all tell is as good as silent. */
function usageOf({ containers = [] }: PodMetricsItem, resource: string, container: string | undefined) {
  const counted = container === undefined ? containers : containers.filter(({ name }) => name === container);
  if (counted.length === 0 || counted.some(({ usage }) => usage?.[resource] === undefined)) return undefined;
  return counted.reduce((total, { usage }) => total + Quantity.parse(usage?.[resource] ?? "0").milliValue(), 0);
}
