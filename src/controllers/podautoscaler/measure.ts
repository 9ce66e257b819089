import type { autoscalingv2 } from "../../api/index.ts";
import { errorText } from "../../kit/index.ts";
import { Quantity, type QuantityFormat } from "../../machinery/index.ts";
import type { MetricsReader } from "./metrics.ts";
import {
  type Proposal,
  replicasForAverage,
  replicasForShare,
  replicasForUtilization,
  replicasForValue,
  type Situation,
} from "./replicas.ts";

type Spec = autoscalingv2.MetricSpec;
type Status = autoscalingv2.MetricStatus;

/** Where and of whom metrics are asked. */
export interface Subject {
  readonly namespace: string;
  /** Selects the pods, as text. */
  readonly selector: string;
  readonly situation: Situation;
  /** How many pods there are according to the scale's status. */
  readonly statusReplicas: number;
}

/** What one metric asks for. */
export interface Measured {
  readonly replicas: number;
  /** The metric's name for people. */
  readonly name: string;
  readonly status: Status;
}

/** A metric that could not be had. The message is that of the event, `reason` its reason; `summary` goes to the log. */
export class MetricFailure extends Error {
  readonly reason: string;
  readonly summary: string;

  constructor(reason: string, message: string, summary: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
    this.summary = summary;
  }
}

/** Asks for one metric and computes the size that it wants. Throws {@link MetricFailure}. */
export async function measure(
  reader: MetricsReader,
  spec: Spec,
  subject: Subject,
  signal: AbortSignal,
): Promise<Measured> {
  const kind = KINDS[spec.type];
  if (kind === undefined) {
    const message = `unknown metric source type "${spec.type}"`;
    throw new MetricFailure("InvalidMetricSourceType", message, message);
  }
  try {
    return await kind.measure(reader, spec, subject, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const message = errorText(error);
    throw new MetricFailure(kind.reason, message, `failed to get ${kind.what(spec)} value: ${message}`, error);
  }
}

interface Kind {
  /** Of the event when it fails. */
  readonly reason: string;
  what(spec: Spec): string;
  measure(reader: MetricsReader, spec: Spec, subject: Subject, signal: AbortSignal): Promise<Measured>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  Resource: {
    reason: "FailedGetResourceMetric",
    what: ({ resource }) => `${resource?.name} resource metric`,
    measure: async (reader, { resource }, subject, signal) => {
      if (resource === undefined) throw new Error("resource metric source is missing");
      const { name, current, replicas } = await measureResource(reader, resource, undefined, subject, signal);
      return { replicas, name, status: { type: "Resource", resource: { name: resource.name, current } } };
    },
  },
  ContainerResource: {
    reason: "FailedGetContainerResourceMetric",
    what: ({ containerResource }) => `${containerResource?.container} container metric`,
    measure: async (reader, { containerResource: source }, subject, signal) => {
      if (source === undefined) throw new Error("container resource metric source is missing");
      const { container } = source;
      const { name, current, replicas } = await measureResource(reader, source, container, subject, signal);
      const containerResource = { name: source.name, container, current };
      return { replicas, name, status: { type: "ContainerResource", containerResource } };
    },
  },
  Pods: {
    reason: "FailedGetPodsMetric",
    what: () => "pods metric",
    measure: async (reader, { pods }, { namespace, selector, situation }, signal) => {
      if (pods === undefined) throw new Error("pods metric source is missing");
      const metrics = await named(`unable to get metric ${pods.metric.name}`, () =>
        reader.pods(namespace, selector, pods.metric, signal),
      );
      const found = replicasForAverage(situation, metrics, milli(pods.target.averageValue));
      const current = { averageValue: text(found.average) };
      const status = { type: "Pods", pods: { metric: pods.metric, current } };
      return { replicas: found.replicas, name: `pods metric ${pods.metric.name}`, status };
    },
  },
  Object: { reason: "FailedGetObjectMetric", what: () => "object metric", measure: measureObject },
  External: {
    reason: "FailedGetExternalMetric",
    what: ({ external }) => `${external?.metric.name} external metric`,
    measure: measureExternal,
  },
};

interface ResourceSource {
  readonly name: string;
  readonly target: autoscalingv2.MetricTarget;
}

async function measureResource(
  reader: MetricsReader,
  { name, target }: ResourceSource,
  container: string | undefined,
  { namespace, selector, situation }: Subject,
  signal: AbortSignal,
): Promise<{ replicas: number; name: string; current: autoscalingv2.MetricValueStatus }> {
  const usage = target.averageValue !== undefined;
  if (!usage && target.averageUtilization === undefined) {
    throw new Error(
      "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
    );
  }
  let found: Proposal;
  try {
    const read = (): ReturnType<MetricsReader["resource"]> =>
      reader.resource(namespace, selector, name, container, signal);
    const metrics = await named(`unable to get metrics for resource ${name}`, read);
    found = usage
      ? replicasForAverage(situation, metrics, milli(target.averageValue), name)
      : replicasForUtilization(situation, metrics, target.averageUtilization ?? 0, name, container);
  } catch (error) {
    const what = usage ? "usage" : "utilization";
    throw new Error(`failed to get ${name} ${what}: ${errorText(error)}`, { cause: error });
  }
  const averageValue = text(found.average, name === "memory" ? "BinarySI" : "DecimalSI");
  if (usage) return { replicas: found.replicas, name: `${name} resource`, current: { averageValue } };
  const of = container === undefined ? "resource" : "container resource";
  return {
    replicas: found.replicas,
    name: `${name} ${of} utilization (percentage of request)`,
    current: { averageUtilization: found.utilization ?? 0, averageValue },
  };
}

async function measureObject(
  reader: MetricsReader,
  { object }: Spec,
  { namespace, situation, statusReplicas }: Subject,
  signal: AbortSignal,
): Promise<Measured> {
  if (object === undefined) throw new Error("object metric source is missing");
  const { describedObject, metric, target } = object;
  const status = (current: autoscalingv2.MetricValueStatus): Status => ({
    type: "Object",
    object: { describedObject, metric, current },
  });
  const read = async (): Promise<number> => {
    try {
      return await reader.object(namespace, describedObject, metric, signal);
    } catch (error) {
      const where = `${describedObject.kind} ${namespace}/${describedObject.name}`;
      throw new Error(`unable to get metric ${metric.name}: ${errorText(error)} on ${where}`, { cause: error });
    }
  };
  if (target.type === "Value" && target.value !== undefined) {
    const usage = await read();
    const replicas = replicasForValue(situation, usage, milli(target.value));
    return { replicas, name: `${describedObject.kind} metric ${metric.name}`, status: status({ value: text(usage) }) };
  }
  if (target.type === "AverageValue" && target.averageValue !== undefined) {
    const usage = await read();
    const found = replicasForShare(statusReplicas, situation.tolerances, usage, milli(target.averageValue));
    const current = status({ averageValue: text(found.average) });
    return { replicas: found.replicas, name: `external metric ${metric.name}`, status: current };
  }
  throw new Error("invalid object metric source: neither a value target nor an average value target was set");
}

async function measureExternal(
  reader: MetricsReader,
  { external }: Spec,
  { namespace, situation, statusReplicas }: Subject,
  signal: AbortSignal,
): Promise<Measured> {
  if (external === undefined) throw new Error("external metric source is missing");
  const { metric, target } = external;
  const name = `external metric ${metric.name}`;
  const what = `unable to get external metric ${namespace}/${metric.name}`;
  const read = (): Promise<number> => named(what, () => reader.external(namespace, metric, signal));
  const status = (current: autoscalingv2.MetricValueStatus): Status => ({
    type: "External",
    external: { metric, current },
  });
  if (target.averageValue !== undefined) {
    const found = replicasForShare(statusReplicas, situation.tolerances, await read(), milli(target.averageValue));
    return { replicas: found.replicas, name, status: status({ averageValue: text(found.average) }) };
  }
  if (target.value !== undefined) {
    const usage = await read();
    const replicas = replicasForValue(situation, usage, milli(target.value));
    return { replicas, name, status: status({ value: text(usage) }) };
  }
  throw new Error("invalid external metric source: neither a value target nor an average value target was set");
}

/** Says what could not be done. */
async function named<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new Error(`${what}: ${errorText(error)}`, { cause: error });
  }
}

function milli(quantity: string | undefined): number {
  return Quantity.parse(quantity ?? "0").milliValue();
}

function text(thousandths: number, format: QuantityFormat = "DecimalSI"): string {
  return Quantity.ofMilli(thousandths, format).toString();
}
