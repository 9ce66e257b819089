import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { StoreLockedError } from "../errors.ts";
import type { StoreDirectory } from "./directory.ts";

/** A process, told apart from a later one that got the same number. */
interface Identity {
  readonly pid: number;
  /** When the process started, in the kernel's ticks since boot; 0 where that is unknown. */
  readonly started: number;
  readonly boot: string;
}

/** The file never shrinks, so that it can be written when the disk is full. */
const FILE_BYTES = 256;
const RELEASED = " ".repeat(FILE_BYTES);

/**
 * Takes the directory for this process, or throws {@link StoreLockedError} when a living one has it. Call it while no other
 * process can do the same (see `LmdbDatabase.exclusively`).
 */
export function takeOwnership(directory: StoreDirectory): void {
  checkUnowned(directory);
  writeOwner(fileOf(directory), JSON.stringify(identify(process.pid)).padEnd(FILE_BYTES));
}

/** Throws {@link StoreLockedError} when a living process, this one included, has the directory. */
export function checkUnowned(directory: StoreDirectory): void {
  const holder = readOwner(fileOf(directory));
  if (holder && isAlive(holder)) throw new StoreLockedError(directory.path, holder.pid);
}

/** Gives the directory back. */
export function releaseOwnership(directory: StoreDirectory): void {
  writeOwner(fileOf(directory), RELEASED);
}

function fileOf(directory: StoreDirectory): string {
  return join(directory.path, "owner");
}

function readOwner(file: string): Identity | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Identity;
  } catch {
    return undefined;
  }
}

function writeOwner(file: string, text: string): void {
  let fd: number;
  try {
    fd = openSync(file, "r+");
  } catch {
    fd = openSync(file, "w", 0o600);
  }
  try {
    writeSync(fd, text, 0);
  } finally {
    closeSync(fd);
  }
}

function isAlive(holder: Identity): boolean {
  if (holder.boot !== bootId()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EPERM") return false;
  }
  const now = identify(holder.pid);
  return now.started === holder.started;
}

/** What is known of the process `pid`; its start is -1 when it is a zombie, which holds nothing. */
function identify(pid: number): Identity {
  let started = 0;
  try {
    // The second field is the command in parentheses and may hold anything; the third is the state.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    started = fields[0] === "Z" || fields[0] === "X" ? -1 : Number(fields[19]);
  } catch {
    // No /proc: the process number has to do.
  }
  return { pid, started, boot: bootId() };
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
