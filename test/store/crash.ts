/**
 * Kills a writing process again and again and checks that nothing acknowledged is lost.
 * Usage: `tools/run.sh test/store/crash.ts [--cycles 200] [--life 50-800] [--lanes 2] [--seed N] [--plant NAME]`
 */
import { parseArgs } from "node:util";
import { crash, CrashViolation, type CrashReport } from "./crash/harness.ts";
import { plants } from "./crash/plants.ts";

const { values: flags } = parseArgs({
  options: {
    cycles: { type: "string", default: "200" },
    life: { type: "string", default: "50-800" },
    lanes: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 1e6) },
    plant: { type: "string" },
  },
});
if (flags.plant !== undefined && !plants[flags.plant]) {
  throw new Error(`--plant ${flags.plant}: expected one of ${Object.keys(plants).join(", ")}`);
}
const [least = 50, most = 800] = flags.life.split("-").map(Number);
const lanes = Number(flags.lanes);
const reports = new Map<number, CrashReport>();

function show(): void {
  const all = [...reports.values()];
  const cycles = all.reduce((sum, report) => sum + report.cycles, 0);
  if (cycles % 50 !== 0) return;
  const acks = all.reduce((sum, report) => sum + report.acks, 0);
  const opens = all.flatMap((report) => report.opens).toSorted((a, b) => a - b);
  const p = (share: number): string => (opens[Math.floor((opens.length - 1) * share)] ?? 0).toFixed(0);
  console.log(`${cycles} kills, ${acks} acknowledged, 0 lost; restart p50 ${p(0.5)} p99 ${p(0.99)} max ${p(1)} ms`);
}

try {
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      const report = await crash({
        cycles: Math.ceil(Number(flags.cycles) / lanes),
        life: [least, most],
        seed: Number(flags.seed) + lane,
        ...(flags.plant !== undefined && { plant: flags.plant }),
        progress: (current) => {
          reports.set(lane, current);
          show();
        },
      });
      reports.set(lane, report);
    }),
  );
  console.log("done");
} catch (error) {
  if (!(error instanceof CrashViolation)) throw error;
  console.error(`violation: ${error.message}`);
  process.exitCode = 1;
}
