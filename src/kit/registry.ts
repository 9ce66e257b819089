import { CodedError } from "./errors.ts";
import { exposeFamily } from "./exposition.ts";
import type { HistogramSample, MetricFamily, Sample } from "./metric-family.ts";
import type { Counter, Gauge, Histogram, Labels, MetricOptions, Metrics } from "./metrics.ts";

/** Upper bounds in seconds that suit request latencies. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `count` upper bounds, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}

/**
 * A registry of its own. A sample costs one map look-up; series come into being with their first sample, and a metric
 * without labels shows 0 from the start.
 */
export function createMetrics(): Metrics {
  const families = new Map<string, Family>();
  const hooks: (() => void)[] = [];
  const obtain = <F extends Family>(name: string, type: F["type"], make: () => F): F => {
    const known = families.get(name);
    if (!known) {
      const made = make();
      families.set(name, made);
      return made;
    }
    if (known.type === type) return known as F;
    throw new CodedError("MetricTypeMismatch", `metric ${name} is a ${known.type}, cannot also be a ${type}`);
  };
  return {
    counter: (name, options) => obtain(name, "counter", () => new NumberFamily(name, "counter", options)),
    gauge: (name, options) => obtain(name, "gauge", () => new NumberFamily(name, "gauge", options)),
    histogram: (name, options) => obtain(name, "histogram", () => new HistogramFamily(name, options)),
    onCollect: (fn) => void hooks.push(fn),
    expose: () => {
      for (const hook of hooks) hook();
      const sorted = [...families.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return sorted.map(exposeFamily).join("");
    },
  };
}

type Family = NumberFamily | HistogramFamily;

abstract class BaseFamily<S extends Sample> implements MetricFamily {
  readonly name: string;
  readonly help: string;
  abstract readonly type: MetricFamily["type"];
  abstract readonly buckets: readonly number[];
  labelNames: readonly string[];
  readonly #declared: boolean;
  readonly #samples = new Map<string, S>();
  #bare: S | undefined;

  constructor(name: string, options: MetricOptions = {}) {
    this.name = name;
    this.help = options.help ?? "";
    this.labelNames = options.labels ?? [];
    this.#declared = options.labels !== undefined;
  }

  get samples(): Iterable<S> {
    if (this.#declared && this.labelNames.length === 0) this.sample(undefined);
    return this.#bare ? [this.#bare, ...this.#samples.values()] : this.#samples.values();
  }

  protected abstract create(labelValues: readonly string[]): S;

  protected sample(labels: Labels | undefined): S {
    if (!labels) return (this.#bare ??= this.create(this.labelNames.map(() => "")));
    const key = this.#keyOf(labels);
    return this.#samples.get(key) ?? this.#add(key, labels);
  }

  #keyOf(labels: Labels): string {
    const names = this.labelNames;
    if (names.length === 1) return labels[names[0] as string] ?? "";
    let key = "";
    for (const name of names) key += `${labels[name] ?? ""}\u0001`;
    return key;
  }

  /** The slow path: a series seen for the first time. Undeclared labels are those of the first sample. */
  #add(_key: string, labels: Labels): S {
    if (!this.#declared && this.labelNames.length === 0) this.labelNames = Object.keys(labels);
    for (const name of Object.keys(labels)) {
      if (this.labelNames.includes(name)) continue;
      const known = this.labelNames.join(", ");
      throw new CodedError("UnknownLabel", `metric ${this.name} has no label "${name}", only: ${known}`);
    }
    const sample = this.create(this.labelNames.map((name) => labels[name] ?? ""));
    this.#samples.set(this.#keyOf(labels), sample);
    return sample;
  }
}

class NumberFamily extends BaseFamily<Sample> implements Counter, Gauge {
  readonly type: "counter" | "gauge";
  readonly buckets: readonly number[] = [];

  constructor(name: string, type: "counter" | "gauge", options?: MetricOptions) {
    super(name, options);
    this.type = type;
  }

  inc(labels?: Labels, by = 1): void {
    this.sample(labels).value += by;
  }

  add(by: number, labels?: Labels): void {
    this.sample(labels).value += by;
  }

  set(value: number, labels?: Labels): void {
    this.sample(labels).value = value;
  }

  protected override create(labelValues: readonly string[]): Sample {
    return { labelValues, value: 0 };
  }
}

class HistogramFamily extends BaseFamily<HistogramSample> implements Histogram {
  readonly type = "histogram";
  readonly buckets: readonly number[];

  constructor(name: string, options?: MetricOptions) {
    super(name, options);
    this.buckets = options?.buckets ?? DEFAULT_BUCKETS;
  }

  observe(value: number, labels?: Labels): void {
    const sample = this.sample(labels);
    const buckets = this.buckets;
    let index = 0;
    while (index < buckets.length && value > (buckets[index] as number)) index++;
    sample.counts[index] = (sample.counts[index] ?? 0) + 1;
    sample.value += value;
  }

  protected override create(labelValues: readonly string[]): HistogramSample {
    return { labelValues, value: 0, counts: new Float64Array(this.buckets.length + 1) };
  }
}
