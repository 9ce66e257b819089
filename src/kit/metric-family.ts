/** One series: the values of its labels in the family's order, and its number. */
export interface Sample {
  readonly labelValues: readonly string[];
  value: number;
}

/** One histogram series. `counts` are per bucket, not cumulative; the last one is +Inf. */
export interface HistogramSample extends Sample {
  readonly counts: Float64Array;
}

/** All series of one name, as the exposition prints them. */
export interface MetricFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly buckets: readonly number[];
  readonly samples: Iterable<Sample>;
}
