import { watch } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Clock } from "../../kit/index.ts";
import { LineSplitter, type LogLine, parseLogLine } from "./cri-log.ts";

export interface LogOptions {
  readonly follow?: boolean;
  /** Only so many lines from the end. */
  readonly tailLines?: number;
  /** Only lines from this time on, ms since the epoch. */
  readonly since?: number;
  /** Put its time before each line. */
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
  readonly stream?: "stdout" | "stderr";
}

export interface LogSource {
  readonly path: string;
  readonly clock: Clock;
  /** Whether more may come. */
  readonly running: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

const CHUNK = 64 * 1024;
/** When following, how long to wait at most before looking again although nothing was announced, ms. */
const LOOK_AGAIN_MS = 1000;

/** A container's log as `kubectl logs` shows it. Follows through rotations until the container has ended and all was read. */
export async function* readLog(source: LogSource, options: LogOptions): AsyncGenerator<Buffer, void> {
  const writer = new LogWriter(options);
  for await (const line of logLines(source, options)) {
    const out = writer.write(line);
    if (out.length > 0) yield out;
    if (writer.full) return;
  }
}

/** Turns lines into bytes, up to the limit. */
class LogWriter {
  readonly #options: LogOptions;
  #left: number;
  #atLineStart = true;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#left = options.limitBytes ?? Infinity;
  }

  get full(): boolean {
    return this.#left <= 0;
  }

  write(line: LogLine): Buffer {
    const { since, stream, timestamps } = this.#options;
    if (stream !== undefined && line.stream !== stream) return Buffer.alloc(0);
    if (since !== undefined && Date.parse(line.time) < since) return Buffer.alloc(0);
    const parts: Buffer[] = [];
    if (timestamps && this.#atLineStart) parts.push(Buffer.from(`${line.time} `));
    parts.push(line.text);
    if (!line.partial) parts.push(Buffer.from("\n"));
    this.#atLineStart = !line.partial;
    const out = Buffer.concat(parts);
    const cut = out.length > this.#left ? out.subarray(0, this.#left) : out;
    this.#left -= cut.length;
    return cut;
  }
}

async function* logLines(source: LogSource, options: LogOptions): AsyncGenerator<LogLine, void> {
  let file = await open(source.path, "r");
  const waiter = options.follow ? new ChangeWaiter(source) : undefined;
  try {
    let at = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines);
    const splitter = new LineSplitter();
    for (;;) {
      // Asked before reading: what was written before the end is then surely read.
      const more = options.follow ? await source.running() : false;
      const inode = (await file.stat()).ino;
      for (;;) {
        const buffer = Buffer.allocUnsafe(CHUNK);
        const { bytesRead } = await file.read(buffer, 0, CHUNK, at);
        if (bytesRead === 0) break;
        at += bytesRead;
        for (const raw of splitter.push(buffer.subarray(0, bytesRead))) {
          const line = parseLogLine(raw);
          if (line) yield line;
        }
        if (source.signal.aborted) return;
      }
      const current = await stat(source.path).catch(() => undefined);
      if (options.follow && current && current.ino !== inode) {
        // Rotated: the old file has been read to its end, go on with the new one.
        await file.close();
        file = await open(source.path, "r");
        at = 0;
        continue;
      }
      if (!more || source.signal.aborted) break;
      await waiter?.changed();
    }
    const last = splitter.flush();
    const line = last && parseLogLine(last);
    if (line) yield line;
  } finally {
    waiter?.close();
    await file.close();
  }
}

/** Tells when a file may have grown or been replaced. */
class ChangeWaiter {
  readonly #source: LogSource;
  readonly #watcher: ReturnType<typeof watch> | undefined;
  #dirty = false;
  #wake: (() => void) | undefined;

  constructor(source: LogSource) {
    this.#source = source;
    try {
      // The directory, so that a rotation is seen too.
      this.#watcher = watch(source.path.slice(0, source.path.lastIndexOf("/")), () => {
        this.#dirty = true;
        this.#wake?.();
      });
      this.#watcher.on("error", () => undefined);
    } catch {
      this.#watcher = undefined;
    }
  }

  async changed(): Promise<void> {
    if (!this.#dirty) {
      const stop = new AbortController();
      this.#wake = () => stop.abort();
      const signal = AbortSignal.any([stop.signal, this.#source.signal]);
      await this.#source.clock.sleep(LOOK_AGAIN_MS, signal).catch(() => undefined);
      this.#wake = undefined;
    }
    this.#dirty = false;
  }

  close(): void {
    this.#watcher?.close();
  }
}

/** Where the last `count` lines begin. */
async function tailOffset(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count <= 0) return size;
  let left = count;
  let end = size;
  const buffer = Buffer.allocUnsafe(CHUNK);
  while (end > 0) {
    const from = Math.max(0, end - CHUNK);
    const { bytesRead } = await file.read(buffer, 0, end - from, from);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline at the very end ends the last line rather than beginning another.
      if (buffer[i] !== 10 || from + i === size - 1) continue;
      if (--left === 0) return from + i + 1;
    }
    end = from;
  }
  return 0;
}
