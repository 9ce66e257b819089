import { closeSync, constants, mkdirSync, openSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CodedError } from "../../kit/index.ts";
import { type Mounter, isWithin } from "../../host/mount/index.ts";

/** open(2): a handle that only names the file. */
const O_PATH = 0o10000000;

/**
 * Binds a path inside a volume to `target`, and nothing outside of it, whatever a container does to the volume meanwhile: each
 * part of the path is opened below the one before without following links, and what is bound is that open handle.
 * A part that is missing is made a directory.
 */
export async function bindSubPath(
  mounter: Mounter,
  volumePath: string,
  subPath: string,
  target: string,
  readOnly: boolean,
): Promise<void> {
  const handle = openInside(volumePath, subPath);
  try {
    const source = `/proc/${process.pid}/fd/${handle}`;
    if ((await mounter.list(target)).length > 0) return;
    if (statSync(source).isDirectory()) await mkdir(target, { recursive: true, mode: 0o750 });
    else {
      await mkdir(dirname(target), { recursive: true, mode: 0o750 });
      await writeFile(target, "", { mode: 0o640 });
    }
    await mounter.bind(source, target, { readOnly });
  } finally {
    closeSync(handle);
  }
}

/** A handle of `subPath` inside `volumePath`. Throws `SubPath` when it leads out. */
export function openInside(volumePath: string, subPath: string): number {
  const parts = subPath.split("/").filter((p) => p !== "" && p !== ".");
  if (subPath.startsWith("/") || parts.includes("..")) {
    throw new CodedError("SubPath", `subPath ${JSON.stringify(subPath)} must be relative and stay in its volume`);
  }
  const root = realpathSync(volumePath);
  makeMissing(root, parts);
  // Links inside the volume (as those of config maps) are allowed: resolve first, then open what that gave, link by link.
  const real = realpathSync(join(root, ...parts));
  if (!isWithin(real, root)) {
    throw new CodedError("SubPath", `subpath ${JSON.stringify(real)} not within volume path ${root}`);
  }
  const inner = real
    .slice(root.length)
    .split("/")
    .filter((p) => p !== "");
  let handle = openSync(root, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  for (const part of inner) {
    const next = openNext(handle, part, real);
    closeSync(handle);
    handle = next;
  }
  if (readlinkSync(`/proc/self/fd/${handle}`) !== real) {
    closeSync(handle);
    throw new CodedError("SubPath", `subpath ${JSON.stringify(real)} changed while it was opened`);
  }
  return handle;
}

function openNext(parent: number, part: string, real: string): number {
  try {
    return openSync(`/proc/self/fd/${parent}/${part}`, O_PATH | constants.O_NOFOLLOW);
  } catch (cause) {
    closeSync(parent);
    throw new CodedError("SubPath", `subpath ${JSON.stringify(real)} changed while it was opened`, { cause });
  }
}

/** Makes directories for what is not there, each below a handle, so that a link swapped in cannot lead out. */
function makeMissing(root: string, parts: readonly string[]): void {
  let handle = openSync(root, O_PATH | constants.O_DIRECTORY);
  try {
    for (const part of parts) {
      const path = `/proc/self/fd/${handle}/${part}`;
      let next: number;
      try {
        next = openSync(path, O_PATH | constants.O_NOFOLLOW);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        mkdirSync(path, { mode: 0o755 });
        next = openSync(path, O_PATH | constants.O_NOFOLLOW);
      }
      closeSync(handle);
      handle = next;
      // A link is looked at as a whole afterwards.
      if (!statSync(`/proc/self/fd/${handle}`).isDirectory()) return;
    }
  } finally {
    closeSync(handle);
  }
}
