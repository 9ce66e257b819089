import { CliError, EXIT, usageError } from "./errors.ts";

/** Writes one line for the user to stdout. */
export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a value for scripts: one JSON document. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Refuses anything but `-o json`. */
export function checkOutput(output: string | undefined): void {
  if (output === undefined || output === "json") return;
  throw usageError(`output format ${JSON.stringify(output)} is unknown`, "use -o json");
}

/** Writes to stderr what did not keep the command from doing its work. */
export function printWarning(message: string): void {
  process.stderr.write(`k8ts: warning: ${message}\n`);
}

/** Writes a failure to stderr, and beneath it what to do. */
export function printError(message: string, hint?: string): void {
  process.stderr.write(`k8ts: ${message}\n${hint ? `      ${hint}\n` : ""}`);
}

/** What to do about failures of the operating system, by code. */
const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space and run the command again; nothing was lost",
  EDQUOT: "your disk quota is used up: free some space and run the command again; nothing was lost",
  EACCES: "check who owns it, or set K8TS_HOME to a folder that you can write",
  EPERM: "check who owns it, or set K8TS_HOME to a folder that you can write",
  EROFS: "set K8TS_HOME to a folder that can be written",
  ENOTDIR: "set K8TS_HOME to a folder",
  EMFILE: "raise the limit of open files: ulimit -n",
};

/** Prints a failure, with its stack only when `K8TS_DEBUG` asks for it, and returns the exit code. */
export function reportFailure(error: unknown, exitCode: number = EXIT.failed): number {
  if (process.env["K8TS_DEBUG"] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (error instanceof CliError) {
    printError(error.message, error.hint);
    return error.exitCode;
  }
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  printError(error instanceof Error ? error.message : String(error), code === undefined ? undefined : HINTS[code]);
  return exitCode;
}

/** Lines on stderr that tell how a long command gets on: one a step, with the seconds it took. */
export class Progress {
  readonly #quiet: boolean;
  readonly #started: number;
  readonly #now: () => number;

  constructor(now: () => number, quiet = false) {
    this.#now = now;
    this.#quiet = quiet;
    this.#started = now();
  }

  /** Seconds since the command began. */
  get seconds(): number {
    return (this.#now() - this.#started) / 1000;
  }

  step(message: string): void {
    if (!this.#quiet) process.stderr.write(` ✓ ${message} (${this.seconds.toFixed(2)} s)\n`);
  }

  note(message: string): void {
    if (!this.#quiet) process.stderr.write(`   ${message}\n`);
  }
}

/** Left-aligned columns, as kubectl prints them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("   "))
    .join("\n");
}
