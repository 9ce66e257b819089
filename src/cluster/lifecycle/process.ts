import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** A process that is known by more than its number, because numbers are used again. */
interface ProcessRecord {
  readonly pid: number;
  /** Clock ticks after boot at which it started (proc_pid_stat(5), field 22); absent where there is no /proc. */
  readonly startTime?: string;
}

/** Notes a process in `file`. */
export function recordProcess(file: string, pid: number): void {
  const startTime = startTimeOf(pid);
  writeFileSync(file, JSON.stringify({ pid, ...(startTime && { startTime }) } satisfies ProcessRecord), {
    mode: 0o600,
  });
}

/** The pid noted in `file` if that very process still runs. */
export function runningProcess(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  let record: ProcessRecord;
  try {
    record = JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
  } catch {
    return undefined; // Half-written by a killed process: nobody runs under it.
  }
  if (!isAlive(record.pid)) return undefined;
  return record.startTime === undefined || record.startTime === startTimeOf(record.pid) ? record.pid : undefined;
}

/** Forgets the process noted in `file`. */
export function forgetProcess(file: string): void {
  rmSync(file, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return statOf(pid)?.[0] !== "Z";
  } catch {
    return false;
  }
}

function startTimeOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/** The fields of /proc/PID/stat after the command name, which may itself hold spaces and parentheses. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
