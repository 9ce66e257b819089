import { createHash } from "node:crypto";
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { CodedError } from "../../kit/index.ts";

/** A file of a volume. */
export interface PayloadFile {
  readonly data: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Owner, where it is not root. */
  readonly uid?: number;
}

/** Relative path → file. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const DATA = "..data";
const NEW_DATA = "..data_tmp";

export interface WriteOptions {
  /** Owns everything, and may read all of it. */
  readonly gid?: number;
  /** Part of the new directory's name; differs at each write. */
  readonly stamp: string;
}

/**
 * Makes a directory show exactly the payload, all at once: the files go into a fresh hidden directory, and a rename turns the
 * link `..data` to it, through which all visible names lead. Readers see the old or the new set, never a mixture. Resolves
 * with false when nothing had changed.
 */
export async function writeAtomically(target: string, payload: Payload, options: WriteOptions): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  const old = await readlink(join(target, DATA)).catch(() => undefined);
  const digest = digestOf(payload, options.gid);
  if (old?.endsWith(`.${digest}`)) return false;
  const fresh = `..${options.stamp}.${digest}`;
  const dir = join(target, fresh);
  await mkdir(dir, { recursive: true, mode: 0o755 });
  await chmod(dir, 0o755);
  for (const [path, file] of payload) await writeOne(dir, path, file, options.gid);
  await own(dir, 0, options.gid);
  await rm(join(target, NEW_DATA), { force: true });
  await symlink(fresh, join(target, NEW_DATA));
  await rename(join(target, NEW_DATA), join(target, DATA));
  await linkNames(target, payload, options.gid);
  if (old !== undefined) await rm(join(target, old), { recursive: true, force: true });
  return true;
}

/** The names at the top: links through `..data`; those of files that are gone go too. */
async function linkNames(target: string, payload: Payload, gid: number | undefined): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split("/")[0] ?? path));
  for (const name of wanted) {
    const path = join(target, name);
    if (await lstat(path).catch(() => undefined)) continue;
    await symlink(join(DATA, name), path);
    if (gid !== undefined) await lchown(path, 0, gid);
  }
  for (const name of await readdir(target)) {
    if (!name.startsWith("..") && !wanted.has(name)) await rm(join(target, name), { force: true, recursive: true });
  }
}

async function writeOne(dir: string, path: string, file: PayloadFile, gid: number | undefined): Promise<void> {
  const target = join(dir, path);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await writeFile(target, file.data, { mode: file.mode });
  await chmod(target, gid === undefined ? file.mode : file.mode | 0o440);
  await own(target, file.uid ?? 0, gid);
}

async function own(path: string, uid: number, gid: number | undefined): Promise<void> {
  if (uid !== 0 || gid !== undefined) await chown(path, uid, gid ?? 0);
}

function digestOf(payload: Payload, gid: number | undefined): string {
  const hash = createHash("sha256").update(`gid ${gid ?? ""}\n`);
  for (const path of [...payload.keys()].toSorted()) {
    const file = payload.get(path);
    if (!file) continue;
    hash.update(JSON.stringify([path, file.mode, file.uid ?? 0, file.data.length])).update(file.data);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Relative, not hidden behind `..`, of sane length: what would leave the volume is refused (`VolumePayload`). */
function checkPath(path: string): void {
  const parts = path.split("/");
  const bad =
    path === "" ||
    path.startsWith("/") ||
    path.length > 4096 ||
    parts.includes("..") ||
    (parts[0] ?? "").startsWith("..");
  if (bad)
    throw new CodedError(
      "VolumePayload",
      `invalid path: ${JSON.stringify(path)} must be relative and stay in its volume`,
    );
}
