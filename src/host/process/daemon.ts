import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Clock, CodedError } from "../../kit/index.ts";

/** A process by number and start time, so that a reused number is not mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of `/proc/PID/stat`. */
  readonly startTime: string;
}

export interface DaemonSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Takes the process' output, appended. */
  readonly logFile: string;
  /** Remembers who runs. */
  readonly pidFile: string;
}

/** Starts a process that outlives this one, in a session of its own. Throws `ProcessNotStarted`. */
export async function startDaemon(spec: DaemonSpec): Promise<ProcessIdentity> {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const log = openSync(spec.logFile, "a", 0o640);
  try {
    const child = spawn(spec.command, spec.args, {
      detached: true,
      stdio: ["ignore", log, log],
      cwd: "/",
      env: { ...spec.env },
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => {
        reject(new CodedError("ProcessNotStarted", `cannot run "${spec.command}": ${cause.message}`, { cause }));
      });
    });
    child.unref();
    const identity = identify(child.pid ?? -1);
    if (!identity) throw new CodedError("ProcessNotStarted", `"${spec.command}" ended at once; see ${spec.logFile}`);
    const temporary = `${spec.pidFile}.new`;
    writeFileSync(temporary, `${identity.pid} ${identity.startTime}\n`);
    renameSync(temporary, spec.pidFile);
    return identity;
  } finally {
    closeSync(log);
  }
}

/** Who the pid file speaks of, when that very process still runs. */
export function findDaemon(pidFile: string): ProcessIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(pidFile, "utf8");
  } catch {
    return undefined;
  }
  const [pid, startTime] = text.trim().split(" ");
  const running = identify(Number(pid));
  return running && running.startTime === startTime ? running : undefined;
}

/** Undefined when no such process runs; one that ended but was not waited for counts as ended. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : { pid, startTime: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

/** SIGTERM, then SIGKILL after `graceMs`; resolves once it is gone, and takes the pid file away. */
export async function stopDaemon(pidFile: string, clock: Clock, graceMs = 10_000): Promise<void> {
  const daemon = findDaemon(pidFile);
  if (daemon) {
    await endProcess(daemon, clock, graceMs);
  }
  rmSync(pidFile, { force: true });
}

/** SIGTERM, then SIGKILL after `graceMs`; resolves once it is gone. */
export async function endProcess(process_: ProcessIdentity, clock: Clock, graceMs: number): Promise<void> {
  const runs = (): boolean => identify(process_.pid)?.startTime === process_.startTime;
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(process_.pid, name);
    } catch {
      // It ended in the meantime.
    }
  };
  const started = clock.monotonic();
  signal("SIGTERM");
  let killed = false;
  for (let wait = 1; runs(); wait = Math.min(wait * 2, 50)) {
    await clock.sleep(wait);
    if (!killed && clock.monotonic() - started > graceMs) {
      killed = true;
      signal("SIGKILL");
    }
  }
}
