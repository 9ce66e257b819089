import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { RealClock } from "../../kit/index.ts";
import { clusterPaths } from "../lifecycle/paths.ts";
import { CliError, EXIT } from "./errors.ts";

const POLL_MS = 200;

/** `k8ts logs`: what the cluster's components wrote, the part put aside included. With `follow`, until interrupted. */
export async function logs(name: string, options: { follow?: boolean; tail?: number }): Promise<void> {
  const { log } = clusterPaths(name);
  if (!existsSync(log)) {
    throw new CliError(`there is no log of a cluster named ${name}`, {
      hint: "see all clusters with: k8ts list",
      exitCode: EXIT.notRunning,
    });
  }
  const older = existsSync(`${log}.1`) ? readFileSync(`${log}.1`) : Buffer.alloc(0);
  const current = readFileSync(log);
  const text = Buffer.concat([older, current]).toString("utf8");
  process.stdout.write(options.tail === undefined ? text : lastLines(text, options.tail));
  if (options.follow) await follow(log, current.length);
}

function lastLines(text: string, count: number): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return count === 0
    ? ""
    : lines
        .slice(-count)
        .map((line) => `${line}\n`)
        .join("");
}

async function follow(file: string, from: number): Promise<never> {
  const clock = new RealClock();
  let position = from;
  for (;;) {
    await clock.sleep(POLL_MS);
    const size = existsSync(file) ? statSync(file).size : 0;
    // Emptied, because it had grown too large.
    if (size < position) position = 0;
    if (size === position) continue;
    const chunk = Buffer.alloc(size - position);
    const fd = openSync(file, "r");
    const count = readSync(fd, chunk, 0, chunk.length, position);
    closeSync(fd);
    process.stdout.write(chunk.subarray(0, count));
    position += count;
  }
}
