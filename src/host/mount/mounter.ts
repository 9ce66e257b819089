import { readFile } from "node:fs/promises";
import { CodedError, runProcess } from "../../kit/index.ts";

/** One line of the mount table. */
export interface MountEntry {
  readonly target: string;
  readonly source: string;
  readonly type: string;
  readonly options: readonly string[];
}

export interface TmpfsOptions {
  /** Bytes; absent: the kernel's default (half the memory). */
  readonly size?: number;
  /** Octal, such as `0777`. */
  readonly mode?: string;
}

/** The mounts of this machine's mount namespace. Failures reject with code `MountFailed`. */
export interface Mounter {
  tmpfs(target: string, options?: TmpfsOptions): Promise<void>;
  /** Makes `target` show what `source` is now; `source` is not resolved again (a `/proc/self/fd` path stays what it was). */
  bind(source: string, target: string, options?: { readonly readOnly?: boolean }): Promise<void>;
  /** Takes the topmost mount off `target`; one that is not mounted is no failure. */
  unmount(target: string): Promise<void>;
  /** Every mount at or below `prefix`, oldest first. */
  list(prefix: string): Promise<MountEntry[]>;
}

/** Unmounts all at or below `prefix`, newest first. Returns those that would not go, with the reason. */
export async function unmountAll(mounter: Mounter, prefix: string): Promise<{ target: string; error: unknown }[]> {
  const stuck: { target: string; error: unknown }[] = [];
  for (const { target } of (await mounter.list(prefix)).toReversed()) {
    await mounter.unmount(target).catch((error: unknown) => stuck.push({ target, error }));
  }
  return stuck;
}

/** Mounts through util-linux' `mount` and `umount`: Node has no system call for it. */
export class SystemMounter implements Mounter {
  async tmpfs(target: string, options: TmpfsOptions = {}): Promise<void> {
    const list = [
      ...(options.size === undefined ? [] : [`size=${Math.trunc(options.size)}`]),
      ...(options.mode === undefined ? [] : [`mode=${options.mode}`]),
    ];
    await run("mount", ["-t", "tmpfs", ...(list.length > 0 ? ["-o", list.join(",")] : []), "tmpfs", target]);
  }

  async bind(source: string, target: string, options: { readonly readOnly?: boolean } = {}): Promise<void> {
    await run("mount", ["--no-canonicalize", "--bind", source, target]);
    if (options.readOnly) await run("mount", ["-o", "remount,bind,ro", target]);
  }

  async unmount(target: string): Promise<void> {
    try {
      await run("umount", ["--no-canonicalize", target]);
    } catch (error) {
      const text = error instanceof Error ? error.message : "";
      if (/not mounted|no mount point|not found|No such file/i.test(text)) return;
      // Busy: take it out of the tree now; the kernel lets go when the last user does.
      await run("umount", ["--no-canonicalize", "--lazy", target]);
    }
  }

  async list(prefix: string): Promise<MountEntry[]> {
    return parseMountInfo(await readFile("/proc/self/mountinfo", "utf8")).filter((m) => isWithin(m.target, prefix));
  }
}

/** Whether `path` is `prefix` or lies below it. */
export function isWithin(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

/** Reads `/proc/PID/mountinfo` (proc(5)); octal escapes of blanks are undone. */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const fields = left.split(" ");
    const target = fields[4];
    if (target === undefined) continue;
    const [type = "", source = ""] = right.split(" ");
    entries.push({
      target: unescape(target),
      source: unescape(source),
      type,
      options: (fields[5] ?? "").split(",").filter((o) => o !== ""),
    });
  }
  return entries;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

async function run(command: string, args: readonly string[]): Promise<void> {
  try {
    await runProcess(command, args, { timeout: 30_000, env: { PATH: SBIN_PATH, LC_ALL: "C" } });
  } catch (cause) {
    throw new CodedError("MountFailed", cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

const SBIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
