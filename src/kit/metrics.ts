/** Labels of one sample: name → value. Values must come from a bounded set. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  inc(labels?: Labels, by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  add(by: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

export interface MetricOptions {
  readonly help?: string;
  readonly labels?: readonly string[];
  /** Histogram only: upper bounds, ascending; default 0.005 … 10. */
  readonly buckets?: readonly number[];
}

/** A registry of Prometheus metrics. Asking twice for a name gives the same metric. No registry is global. */
export interface Metrics {
  counter(name: string, options?: MetricOptions): Counter;
  gauge(name: string, options?: MetricOptions): Gauge;
  histogram(name: string, options?: MetricOptions): Histogram;
  /** Called before each exposition to refresh gauges that are cheaper to compute when asked. */
  onCollect(fn: () => void): void;
  /** The Prometheus text exposition format, version 0.0.4. */
  expose(): string;
}
