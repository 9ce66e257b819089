/**
 * What the stores can do: durable puts at several numbers of clients, reads, watch fan-out, start-up, memory.
 * Usage: `tools/run.sh bench/store.ts [--store embedded|memory|etcd] [--endpoints URL,...] [--samples 5] [--seconds 1] [--only NAME]`
 */
import { parseArgs } from "node:util";
import { benchmarks } from "./store/benchmarks.ts";
import { describeMachine, summarize } from "./store/report.ts";
import { subjects } from "./store/subjects.ts";

const { values: flags } = parseArgs({
  options: {
    store: { type: "string", default: "embedded" },
    endpoints: { type: "string", default: "http://127.0.0.1:2379" },
    samples: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});
const create = subjects[flags.store];
if (!create) throw new Error(`--store ${flags.store}: expected one of ${Object.keys(subjects).join(", ")}`);

console.log(describeMachine());
for (const [name, benchmark] of Object.entries(benchmarks)) {
  if (!name.includes(flags.only)) continue;
  const samples: number[] = [];
  let note = "";
  while (samples.length < Number(flags.samples)) {
    const subject = await create(flags.endpoints);
    try {
      const sample = await benchmark.run(subject, Number(flags.seconds) * 1000);
      samples.push(sample.value);
      note = sample.note ?? "";
    } finally {
      await subject.dispose();
    }
  }
  console.log(`${flags.store} ${name.padEnd(38)} ${summarize(samples, benchmark.unit)} ${note}`);
}
