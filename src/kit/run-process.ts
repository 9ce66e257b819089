import type { ChildProcess } from "node:child_process";
import { CodedError } from "./errors.ts";

export interface ProcessOptions {
  readonly signal?: AbortSignal;
  /** Ends the process after this long, ms; default none. */
  readonly timeout?: number;
  /** Most bytes taken from each of stdout and stderr; more ends the process. Default 16 MiB. */
  readonly maxOutput?: number;
  /** Written to stdin, which is closed afterwards. */
  readonly stdin?: string | Uint8Array;
  /** Hands over this process's own stdin or stderr; a stderr handed over is not captured. */
  readonly inherit?: { readonly stdin?: boolean; readonly stderr?: boolean };
  readonly cwd?: string;
  /** Replaces the environment; default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Exit codes that are no failure; default only 0. */
  readonly okCodes?: readonly number[];
  /** How long after SIGTERM comes SIGKILL, ms; default 2000. */
  readonly killAfter?: number;
}

export interface ProcessResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

type Ending = "exit" | "aborted" | "timeout" | "maxOutput";

/**
 * Runs a program, without a shell, to its end. Rejects with a {@link CodedError}: `ProcessNotFound`, `ProcessFailed` (details
 * `code`, `signal`, `stdout`, `stderr`), `ProcessTimeout`, `ProcessOutputTooLarge`; with the signal's reason when that
 * aborted it. In every case the process has ended by then.
 */
export async function runProcess(
  command: string,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  const { spawn } = await import("node:child_process");
  options.signal?.throwIfAborted();
  const child = spawn(command, args, {
    stdio: [options.inherit?.stdin ? "inherit" : "pipe", "pipe", options.inherit?.stderr ? "inherit" : "pipe"],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const run = new Run(child, options);
  // A program that ends without reading its input is judged by its exit code.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.stdin ?? "");
  const { code, signal } = await run.closed.catch((cause: unknown) => {
    throw notStarted(command, cause);
  });
  const result = { stdout: run.stdout.text(), stderr: run.stderr.text(), code: code ?? -1 };
  if (run.ending === "aborted") throw options.signal?.reason;
  const details = { command, args, signal, ...result };
  if (run.ending === "timeout") {
    const message = `${shown(command, args)} did not end within ${options.timeout ?? 0} ms`;
    throw new CodedError("ProcessTimeout", message + tail(result.stderr), { details });
  }
  if (run.ending === "maxOutput") {
    const message = `${shown(command, args)} wrote more than ${run.maxOutput} bytes`;
    throw new CodedError("ProcessOutputTooLarge", message, { details });
  }
  if (code !== null && (options.okCodes ?? [0]).includes(code)) return result;
  const how = code === null ? `was ended by ${signal ?? "a signal"}` : `exited with code ${code}`;
  throw new CodedError("ProcessFailed", `${shown(command, args)} ${how}${tail(result.stderr)}`, { details });
}

class Run {
  ending: Ending = "exit";
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly maxOutput: number;
  readonly closed: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #killAfter: number;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(child: ChildProcess, options: ProcessOptions) {
    this.#child = child;
    this.#killAfter = options.killAfter ?? 2000;
    this.maxOutput = options.maxOutput ?? 16 * 1024 * 1024;
    this.stdout = new Capture(this.maxOutput, () => this.#end("maxOutput"));
    this.stderr = new Capture(this.maxOutput, () => this.#end("maxOutput"));
    child.stdout?.on("data", (chunk: Buffer) => this.stdout.add(chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.stderr.add(chunk));
    const onAbort = (): void => this.#end("aborted");
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const timer =
      options.timeout === undefined ? undefined : setTimeout(() => this.#end("timeout"), options.timeout).unref();
    this.closed = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal }));
    }).finally(() => {
      clearTimeout(timer);
      clearTimeout(this.#killTimer);
      options.signal?.removeEventListener("abort", onAbort);
    });
  }

  #end(why: Ending): void {
    if (this.ending !== "exit") return;
    this.ending = why;
    this.#child.kill("SIGTERM");
    this.#killTimer = setTimeout(() => {
      this.#child.kill("SIGKILL");
      // Grandchildren may hold the pipes open; their output is not waited for.
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
    }, this.#killAfter);
  }
}

class Capture {
  readonly #chunks: Buffer[] = [];
  readonly #max: number;
  readonly #onFull: () => void;
  #size = 0;

  constructor(max: number, onFull: () => void) {
    this.#max = max;
    this.#onFull = onFull;
  }

  add(chunk: Buffer): void {
    const room = this.#max - this.#size;
    this.#size += chunk.length;
    if (room > 0) this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (chunk.length > room) this.#onFull();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

function notStarted(command: string, cause: unknown): CodedError {
  const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  const code = missing ? "ProcessNotFound" : "ProcessNotStarted";
  const why = missing ? "no such program (or working directory)" : (cause as Error).message;
  return new CodedError(code, `cannot run "${command}": ${why}`, { cause, details: { command } });
}

function shown(command: string, args: readonly string[]): string {
  const line = [command, ...args].join(" ");
  return `"${line.length > 200 ? `${line.slice(0, 200)}…` : line}"`;
}

/** The last lines of stderr, for the end of a message. */
function tail(stderr: string): string {
  const text = stderr.trim();
  return text === "" ? "" : `: ${text.length > 1000 ? `…${text.slice(-1000)}` : text}`;
}
