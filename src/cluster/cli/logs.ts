import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { RealClock } from "../../kit/index.ts";
import { clusterPaths } from "../lifecycle/paths.ts";
import { CliError, EXIT } from "./errors.ts";

const POLL_MS = 200;

/** `k8ts logs`: what the cluster's components wrote. With `follow`, until interrupted. */
export async function logs(name: string, options: { follow?: boolean; tail?: number }): Promise<number> {
  const paths = clusterPaths(name);
  if (!existsSync(paths.log)) {
    throw new CliError(`there is no log of a cluster named ${name}`, {
      hint: "see all clusters with: k8ts list",
      exitCode: EXIT.notRunning,
    });
  }
  const text = readFileSync(paths.log, "utf8");
  const lines = text.trimEnd().split("\n");
  process.stdout.write(options.tail === undefined ? text : `${lines.slice(-options.tail).join("\n")}\n`);
  if (options.follow) await follow(paths.log, Buffer.byteLength(text));
  return EXIT.ok;
}

async function follow(file: string, from: number): Promise<never> {
  const clock = new RealClock();
  let position = from;
  for (;;) {
    await clock.sleep(POLL_MS);
    const size = statSync(file).size;
    if (size < position) position = 0;
    if (size > position) {
      const chunk = Buffer.alloc(size - position);
      const fd = openSync(file, "r");
      readSync(fd, chunk, 0, chunk.length, position);
      closeSync(fd);
      process.stdout.write(chunk);
      position = size;
    }
  }
}
