import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** One paragraph on what the figures were taken with. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const root = new URL("../../node_modules/", import.meta.url);
  const version = (name: string): string => {
    const text = readFileSync(new URL(`${name}/package.json`, root), "utf8");
    return `${name} ${(JSON.parse(text) as { version: string }).version}`;
  };
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `machine: ${cpus().length} × ${cpu?.model.trim()}, ${memory} GiB, Linux ${release()}`,
    `versions: node ${process.versions.node}, ${version("lmdb")}, ${version("@grpc/grpc-js")}`,
  ].join("\n");
}

/** `median (min – max) unit, n samples`. */
export function summarize(samples: readonly number[], unit: string): string {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): string => format(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN);
  return `${at(0.5).padStart(9)} ${unit} (min ${at(0)}, max ${at(1)}, ${samples.length} samples)`;
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}
