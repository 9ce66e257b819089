import { constants, copyFileSync, fstatSync, renameSync, truncateSync } from "node:fs";
import { writeStderr } from "../../kit/index.ts";

/** A server's log may grow to this many bytes; then it becomes `k8ts.log.1` and a new one begins. */
const LIMIT = 8 * 1024 * 1024;
const STDERR = 2;

/**
 * Writes lines to stderr and keeps the file that it goes to, if it is one, below `limit`. The file is copied and emptied in
 * place, not renamed: whoever else writes to it (Node itself, when it dies) has it open for appending and goes on.
 */
export function boundedLog(file: string, limit = LIMIT): (line: string) => void {
  const start = fstatSync(STDERR);
  if (!start.isFile()) return writeStderr;
  let size = start.size;
  return (line) => {
    if (size > limit) size = rotate(file) ? 0 : size;
    writeStderr(line);
    size += Buffer.byteLength(line);
  };
}

/** Whether the file could be put aside. On a full disk it cannot: the log goes on growing, which fails by itself. */
function rotate(file: string): boolean {
  try {
    copyFileSync(file, `${file}.new`, constants.COPYFILE_FICLONE);
    renameSync(`${file}.new`, `${file}.1`);
    truncateSync(file);
    return true;
  } catch {
    return false;
  }
}
