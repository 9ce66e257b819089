import { CorruptStoreError, DiskFullError, StoreAccessError, StoreError, WriteFailedError } from "../errors.ts";
import { BrokenRecordError } from "./record.ts";

interface SystemFault {
  readonly code?: unknown;
  readonly message?: unknown;
}

const ACCESS = ["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EMFILE", "ENFILE", "ELOOP", "ENAMETOOLONG"];

/** lmdb speaks in errno numbers, its own codes and words; these words mean that the file's structure is broken. */
const BROKEN = /MDB_(CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|BAD_TXN|INCOMPATIBLE|CURSOR_FULL|BAD_VALSIZE)/;
const FULL = /ENOSPC|EDQUOT|no space left|quota exceeded|MDB_MAP_FULL/i;

/** The catalogue's error for what went wrong while opening or reading `path`. */
export function openFault(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = error as SystemFault;
  const text = String(message);
  if (error instanceof BrokenRecordError) return new CorruptStoreError(path, text, error);
  if (isFull(error)) return new DiskFullError(path, error);
  if (typeof code === "string" && ACCESS.includes(code)) return new StoreAccessError(path, error);
  if (/permission denied|read-only file system|operation not permitted/i.test(text)) {
    return new StoreAccessError(path, error);
  }
  return new CorruptStoreError(path, BROKEN.test(text) ? text : `it cannot be read (${text})`, error);
}

/** The catalogue's error for what went wrong while writing to `path`. */
export function writeFault(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (isFull(error)) return new DiskFullError(path, error);
  if (BROKEN.test(String((error as SystemFault).message))) return openFault(path, error);
  return new WriteFailedError(path, error);
}

function isFull(error: unknown): boolean {
  const { code, message } = error as SystemFault;
  return code === 28 || code === "ENOSPC" || code === "EDQUOT" || FULL.test(String(message));
}
