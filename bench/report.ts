import { execFileSync } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";

/** Figures of one measured thing: how often, in what unit, and what came out. */
export interface Sample {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

/** Prints the machine and the versions: no figure means anything without them. */
export function printMachine(): void {
  const [cpu] = cpus();
  const commit = (() => {
    try {
      return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
        encoding: "utf8",
        cwd: import.meta.dirname,
      }).trim();
    } catch {
      return "unknown";
    }
  })();
  console.log(
    `machine: ${cpus().length} × ${cpu?.model ?? "unknown"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}`,
  );
  console.log(`versions: k8ts ${commit}, node ${process.version}`);
}

/** Prints samples as rows of count, minimum, median and maximum. */
export function printSamples(samples: readonly Sample[]): void {
  const width = Math.max(...samples.map((s) => s.name.length));
  console.log(`${"".padEnd(width)}  ${["n", "min", "median", "max"].map((h) => h.padStart(10)).join("")}  unit`);
  for (const { name, unit, values } of samples) {
    const sorted = values.toSorted((a, b) => a - b);
    const cells = [sorted.length, sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
    console.log(`${name.padEnd(width)}  ${cells.map((c) => format(c).padStart(10)).join("")}  ${unit}`);
  }
}

function format(value: number | undefined): string {
  if (value === undefined) return "-";
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(value < 10 ? 3 : 1);
}
