import { createReadStream, createWriteStream } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Env, errorText } from "../../kit/index.ts";
import type { Runtime } from "../../host/cri/index.ts";

export interface RotateOptions {
  readonly maxBytes: number;
  /** The one being written included; at least 2. */
  readonly maxFiles: number;
}

/** A container whose log may have grown too large. */
export interface RotatedLog {
  readonly containerId: string;
  readonly path: string;
}

/**
 * Puts aside a log that is too large (`3.log` → `3.log.20260101-120000`), has the runtime begin a new one, compresses all older
 * pieces but the newest, and deletes those in excess. Failures leave the log as it is.
 */
export async function rotateLog(
  log: RotatedLog,
  options: RotateOptions,
  { runtime, env }: { readonly runtime: Runtime; readonly env: Env },
): Promise<boolean> {
  const found = await stat(log.path).catch(() => undefined);
  if (!found || found.size < options.maxBytes) return false;
  const pieces = await oldPieces(log.path);
  for (const excess of pieces.slice(0, Math.max(0, pieces.length - (options.maxFiles - 2))))
    await rm(excess, { force: true });
  for (const piece of (await oldPieces(log.path)).filter((p) => !p.endsWith(".gz"))) await compress(piece);
  const stamp = new Date(env.clock.now()).toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const aside = `${log.path}.${stamp}`;
  await rename(log.path, aside);
  try {
    await runtime.reopenContainerLog({ containerId: log.containerId });
  } catch (error) {
    await rename(aside, log.path).catch(() => undefined);
    env.log.warn("Container log could not be reopened", { path: log.path, error: errorText(error) });
    return false;
  }
  return true;
}

/** Oldest first. */
async function oldPieces(path: string): Promise<string[]> {
  const dir = dirname(path);
  const prefix = `${basename(path)}.`;
  const names = (await readdir(dir)).filter((name) => name.startsWith(prefix) && !name.endsWith(".tmp"));
  return names.toSorted().map((name) => join(dir, name));
}

async function compress(path: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary));
  await rename(temporary, `${path}.gz`);
  await rm(path);
}
