import { linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { RealClock } from "../../kit/index.ts";
import { CliError } from "../cli/errors.ts";
import { type ClusterPaths, removeIfEmpty } from "./paths.ts";
import { recordProcess, runningProcess } from "./process.ts";

const PATIENCE_MS = 60_000;
const POLL_MS = 20;
/** What the system says of a disk that takes nothing more. */
const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/** A lock file, and in words what is done by whoever holds it. */
export interface Lock {
  readonly file: string;
  readonly doing: string;
  /** Whether `body` makes room on a disk that is too full for a lock: it then runs without. */
  readonly frees?: boolean;
}

/** The lock of one cluster. */
export function changing(paths: ClusterPaths, frees = false): Lock {
  return { file: paths.lock, doing: `working on cluster ${paths.name}`, frees };
}

/**
 * Runs `body` while no other process holds the lock. Waits up to a minute for its turn; a lock left behind by a killed
 * process is taken over.
 */
export async function withLock<T>(lock: Lock, body: () => Promise<T>): Promise<T> {
  const { file, doing } = lock;
  const clock = new RealClock();
  const deadline = clock.monotonic() + PATIENCE_MS;
  while (!takeOrGoWithout(lock)) {
    if (clock.monotonic() > deadline) {
      throw new CliError(`another k8ts command (process ${runningProcess(file) ?? "unknown"}) is ${doing}`, {
        hint: `wait for it to end, or end it; its lock is ${file}`,
      });
    }
    await clock.sleep(POLL_MS);
  }
  try {
    return await body();
  } finally {
    rmSync(file, { force: true });
    removeIfEmpty(dirname(file));
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CliError(`cannot make the folder that clusters are kept in: ${(cause as Error).message}`, {
      hint: "set K8TS_HOME to a folder that you can write",
      cause,
    });
  }
}

function takeOrGoWithout({ file, frees = false }: Lock): boolean {
  try {
    return take(file);
  } catch (error) {
    if (frees && FULL.has((error as NodeJS.ErrnoException).code ?? "")) return true;
    throw error;
  }
}

/** The file appears with its content, so that nobody ever reads half a record. */
function take(file: string): boolean {
  // Each time anew: who had the lock before may have removed the last cluster, and the folder with it.
  makeFolder(dirname(file));
  const mine = `${file}.${process.pid}`;
  try {
    recordProcess(mine, process.pid);
    linkSync(mine, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    if (code !== "EEXIST") throw error;
  } finally {
    rmSync(mine, { force: true });
  }
  if (runningProcess(file) === undefined) breakStale(file);
  return false;
}

/** Moves a lock away whose holder is gone, and back if somebody was quicker and holds it now. */
function breakStale(file: string): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    if (runningProcess(aside) !== undefined) linkSync(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}
