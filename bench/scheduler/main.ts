import { globSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printMachine } from "../report.ts";
import { startCluster } from "./cluster.ts";
import { mean, percentile } from "./collector.ts";
import { type Result, Runner } from "./runner.ts";
import { readWorkloads, type TestCase, type Workload } from "./workload.ts";

/**
 * Measures scheduling throughput by the method of upstream's scheduler_perf, reading workload files of its format:
 * `bench/scheduler/main.ts [--config FILE] [--run REGEXP] [--labels performance,-short] [--adaptive] [--verbose] [--list]`.
 * API server (memory store) and scheduler run in this process. Without --run and --labels, what is labelled `performance` runs.
 */
const { values } = parseArgs({
  options: {
    config: { type: "string", multiple: true },
    run: { type: "string" },
    labels: { type: "string" },
    adaptive: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});
const files = values.config ?? globSync(join(import.meta.dirname, "workloads/*.yaml")).toSorted();
const wanted = files
  .flatMap((file) => readWorkloads(file))
  .flatMap((test) => test.workloads.filter((w) => isWanted(test, w)).map((w) => [test, w] as const));
if (!values.list) printMachine();
if (!values.list)
  console.log(
    row(["workload", "pods", "mean/s", "p50/s", "p90/s", "p99/s", "all/s", "cpu s", "heap MB", "rss MB", "samples"]),
  );
for (const [test, workload] of wanted) {
  if (values.list) console.log(`${test.name}/${workload.name}`);
  else await measure(test, workload);
}

function isWanted(test: TestCase, workload: Workload): boolean {
  const name = `${test.name}/${workload.name}`;
  if (values.run !== undefined && !new RegExp(values.run).test(name)) return false;
  if (values.run !== undefined && values.labels === undefined) return true;
  const labels = new Set([...(test.labels ?? []), ...(workload.labels ?? [])]);
  return (values.labels ?? "performance").split(",").every((one) => {
    return one.startsWith("-") ? !labels.has(one.slice(1)) : labels.has(one.replace(/^\+/, ""));
  });
}

async function measure(test: TestCase, workload: Workload): Promise<void> {
  const cluster = await startCluster({ log: values.verbose, adaptive: values.adaptive });
  const runner = new Runner(cluster, test, workload);
  const result = await runner.run((text) => {
    if (values.verbose) console.log(`  ${text} ${JSON.stringify(cluster.queue())}`);
  });
  await cluster.stop();
  const name = `${test.name}/${workload.name}`;
  if (!result) console.log(`${name}: measures nothing`);
  else console.log(row([name, ...figures(result)]));
}

function figures({ throughput, cpuSeconds, heapUsed, rss }: Result): string[] {
  const { pods, seconds, samples } = throughput;
  const rates = [
    mean(samples),
    percentile(samples, 50),
    percentile(samples, 90),
    percentile(samples, 99),
    pods / seconds,
  ];
  return [
    String(pods),
    ...rates.map((rate) => (rate === undefined || !Number.isFinite(rate) ? "-" : rate.toFixed(0))),
    cpuSeconds.toFixed(1),
    (heapUsed / 2 ** 20).toFixed(0),
    (rss / 2 ** 20).toFixed(0),
    String(samples.length),
  ];
}

function row([name = "", ...cells]: readonly string[]): string {
  return name.padEnd(56) + cells.map((cell) => cell.padStart(9)).join("");
}
