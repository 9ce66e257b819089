import type { HistogramSample, MetricFamily, Sample } from "./metric-family.ts";

/** One family in the Prometheus text format 0.0.4; nothing when it has no series. Series are sorted by label values. */
export function exposeFamily(family: MetricFamily): string {
  const samples = [...family.samples].toSorted(bySeries);
  if (samples.length === 0) return "";
  const { name, type } = family;
  let out = `# HELP ${name} ${escapeHelp(family.help)}\n# TYPE ${name} ${type}\n`;
  for (const sample of samples) {
    const labels = pairs(family.labelNames, sample.labelValues);
    out +=
      type === "histogram"
        ? exposeHistogram(family, sample as HistogramSample, labels)
        : `${name}${braces(labels)} ${formatFloat(sample.value)}\n`;
  }
  return out;
}

function exposeHistogram(family: MetricFamily, sample: HistogramSample, labels: string): string {
  const { name } = family;
  const before = labels === "" ? "" : `${labels},`;
  let out = "";
  let count = 0;
  sample.counts.forEach((n, i) => {
    count += n;
    out += `${name}_bucket{${before}le="${formatFloat(family.buckets[i] ?? Infinity)}"} ${count}\n`;
  });
  return `${out}${name}_sum${braces(labels)} ${formatFloat(sample.value)}\n${name}_count${braces(labels)} ${count}\n`;
}

function bySeries(a: Sample, b: Sample): number {
  for (const [i, value] of a.labelValues.entries()) {
    const other = b.labelValues[i] ?? "";
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

function pairs(names: readonly string[], values: readonly string[]): string {
  return names
    .map((name, i) => `${name}="${escapeLabel(values[i] ?? "")}"`)
    .toSorted()
    .join(",");
}

function braces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** As Go prints a float in the shortest form ('g', -1): exponents have at least two digits and start at 1e-05 and 1e+21. */
export function formatFloat(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e21)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return String(value);
}
