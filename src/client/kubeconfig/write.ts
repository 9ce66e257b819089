import { chown, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Document } from "yaml";
import type { Clock } from "../../kit/index.ts";
import { CodedError, RealClock } from "../../kit/index.ts";
import type { Environment, KubeconfigOptions } from "./load.ts";
import { kubeconfigPaths } from "./load.ts";
import { parseKubeconfig } from "./parse.ts";

export interface WriteOptions {
  /** Default: this process's. `SUDO_UID` and `SUDO_GID` say who shall own new files when running as root. */
  readonly environment?: Environment;
  readonly clock?: Pick<Clock, "sleep">;
}

/** Where a change belongs: the first file of the kubeconfig that exists, else the first. */
export function kubeconfigWritePath(options: KubeconfigOptions = {}): string {
  const paths = kubeconfigPaths(options);
  return paths.find((path) => existsSync(path)) ?? paths[0] ?? "";
}

const LOCK_TRIES = 50;
const LOCK_WAIT = 100;

/**
 * Changes a kubeconfig file, which is made if need be, without losing its comments or order. Others that use the same
 * lock file (kubectl does) are waited for; readers see the old file or the new one, never half of it. Mode 0600. A file
 * that is no valid kubeconfig is left alone (`KubeconfigInvalid`). `edit` says whether it changed anything.
 */
export async function editKubeconfig(
  path: string,
  edit: (document: Document) => boolean,
  options: WriteOptions = {},
): Promise<void> {
  const target = existsSync(path) ? await realpath(path) : path;
  const owner = ownerOf(options.environment ?? process.env);
  await makeDirectory(dirname(target), owner);
  const unlock = await lock(`${target}.lock`, options.clock ?? new RealClock());
  try {
    const text = existsSync(target) ? await readFile(target, "utf8") : "";
    await parseKubeconfig(text, target);
    const { parseDocument } = await import("yaml");
    const document = parseDocument(text === "" ? "apiVersion: v1\nkind: Config\n" : text);
    if (edit(document)) await replaceFile(target, document.toString({ lineWidth: 0 }), owner);
  } finally {
    await unlock();
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The user who called sudo. */
function ownerOf(environment: Environment): Owner | undefined {
  const [uid, gid] = [Number(environment["SUDO_UID"]), Number(environment["SUDO_GID"])];
  if (process.getuid?.() !== 0 || !Number.isInteger(uid) || !Number.isInteger(gid)) return undefined;
  return { uid, gid };
}

async function makeDirectory(directory: string, owner: Owner | undefined): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (made === undefined || !owner) return;
  // Every directory from the first one made down to the file's.
  for (let at = directory; at.length >= made.length; at = dirname(at)) await chown(at, owner.uid, owner.gid);
}

async function lock(path: string, clock: Pick<Clock, "sleep">): Promise<() => Promise<void>> {
  for (let attempt = 1; ; attempt++) {
    try {
      const file = await open(path, "wx", 0o600);
      try {
        await file.writeFile(String(process.pid));
      } finally {
        await file.close();
      }
      return () => rm(path, { force: true });
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code !== "EEXIST") {
        throw new CodedError("KubeconfigUnwritable", `cannot lock kubeconfig: ${message}`, { cause });
      }
      if (attempt === LOCK_TRIES) {
        const hint = "if no other program is changing the kubeconfig, remove that file";
        throw new CodedError("KubeconfigLocked", `kubeconfig is locked by ${path}; ${hint}`, { cause });
      }
      if (await isStale(path)) await rm(path, { force: true });
      else await clock.sleep(LOCK_WAIT);
    }
  }
}

/** Whether the lock is one of ours (kubectl's are empty) and its process is gone. */
async function isStale(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, "utf8").catch(() => ""));
  return Number.isInteger(pid) && pid > 0 && !existsSync(`/proc/${pid}`) && existsSync("/proc/self");
}

async function replaceFile(path: string, text: string, newOwner: Owner | undefined): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const owner = existsSync(path) ? await stat(path) : newOwner;
  try {
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(text);
      if (owner && process.getuid?.() === 0) await file.chown(owner.uid, owner.gid);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const why = (cause as Error).message;
    throw new CodedError("KubeconfigUnwritable", `cannot write kubeconfig ${path}: ${why}`, { cause });
  }
}
