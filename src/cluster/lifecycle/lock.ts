import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { RealClock } from "../../kit/index.ts";
import { CliError } from "../cli/errors.ts";
import type { ClusterPaths } from "./paths.ts";
import { recordProcess, runningProcess } from "./process.ts";

const PATIENCE_MS = 30_000;

/**
 * Runs `body` while no other `k8ts` command changes the same cluster. Waits for its turn up to 30 s; a lock left behind
 * by a killed command is taken over.
 */
export async function withLock<T>(paths: ClusterPaths, body: () => Promise<T>): Promise<T> {
  const clock = new RealClock();
  const deadline = clock.monotonic() + PATIENCE_MS;
  mkdirSync(dirname(paths.lock), { recursive: true, mode: 0o700 });
  while (!take(paths.lock)) {
    if (clock.monotonic() > deadline) {
      throw new CliError(
        `another k8ts command (process ${runningProcess(paths.lock)}) is working on cluster ${paths.name}`,
        {
          hint: `wait for it to end; if there is none, remove ${paths.lock}`,
        },
      );
    }
    await clock.sleep(50);
  }
  try {
    return await body();
  } finally {
    rmSync(paths.lock, { force: true });
  }
}

function take(file: string): boolean {
  try {
    const fd = openSync(file, "wx", 0o600);
    writeSync(fd, "");
    closeSync(fd);
    recordProcess(file, process.pid);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  // A holder that was just created and not yet recorded reads as empty: leave it its moment.
  if (readFileSync(file, "utf8") !== "" && runningProcess(file) === undefined) rmSync(file, { force: true });
  return false;
}
