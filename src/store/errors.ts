import { CodedError } from "../kit/index.ts";

/** The codes a store's errors carry; the catalogue of this room. */
export type StoreErrorCode =
  | "Compacted"
  | "FutureRevision"
  | "SlowWatcher"
  | "StoreClosed"
  | "InvalidRequest"
  | "DiskFull"
  | "WriteFailed"
  | "CorruptStore"
  | "ForeignDirectory"
  | "NewerFormat"
  | "StoreLocked"
  | "StoreAccess"
  | "Unavailable"
  | "AccessDenied";

interface Context {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What every store rejects with. Tell them apart by class or by `code`. */
export abstract class StoreError extends CodedError {
  declare readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, context?: Context) {
    super(code, message, context);
    this.name = new.target.name;
  }
}

/** The revision asked for was forgotten by a compaction: read or watch from a newer one (HTTP 410). */
export class CompactedError extends StoreError {
  readonly revision: number;
  /** The oldest revision that is still there, as far as known. */
  readonly compactedRevision: number;

  constructor(revision: number, compactedRevision: number) {
    super("Compacted", `revision ${revision} was compacted: the oldest that can be read is ${compactedRevision}`, {
      details: { revision, compactedRevision },
    });
    this.revision = revision;
    this.compactedRevision = compactedRevision;
  }
}

/** The revision asked for does not exist yet. */
export class FutureRevisionError extends StoreError {
  readonly revision: number;
  readonly currentRevision: number;

  constructor(revision: number, currentRevision: number) {
    super("FutureRevision", `revision ${revision} is yet to come: the store stands at ${currentRevision}`, {
      details: { revision, currentRevision },
    });
    this.revision = revision;
    this.currentRevision = currentRevision;
  }
}

/** A watch was not read for so long that the history it still needed is gone. Start over from a fresh read. */
export class SlowWatcherError extends StoreError {
  /** The first revision that can no longer be delivered. */
  readonly revision: number;

  constructor(revision: number, compactedRevision: number) {
    super(
      "SlowWatcher",
      `watch fell behind: revision ${revision} was not read before it was compacted (oldest kept: ${compactedRevision})`,
      { details: { revision, compactedRevision } },
    );
    this.revision = revision;
  }
}

/** The store was closed before or while it was asked. */
export class StoreClosedError extends StoreError {
  constructor(action: string) {
    super("StoreClosed", `cannot ${action}: the store is closed`);
  }
}

/** The caller broke the contract: a bad key, the same key twice, a negative revision. */
export class InvalidRequestError extends StoreError {
  constructor(message: string) {
    super("InvalidRequest", message);
  }
}

/** There is no room on the disk. Nothing of the commit was kept; reads go on, and writes work again once there is room. */
export class DiskFullError extends StoreError {
  constructor(path: string, cause?: unknown) {
    super("DiskFull", `cannot write to the store in ${JSON.stringify(path)}: no space left on the device; free some`, {
      cause,
      details: { path },
    });
  }
}

/** The disk refused a write for another reason than being full. Nothing of the commit was kept. */
export class WriteFailedError extends StoreError {
  constructor(path: string, cause: unknown) {
    super("WriteFailed", `cannot write to the store in ${JSON.stringify(path)}`, { cause, details: { path } });
  }
}

/** What is on disk is not what was written: a checksum, a record or the file's structure is broken. */
export class CorruptStoreError extends StoreError {
  constructor(path: string, what: string, cause?: unknown) {
    super(
      "CorruptStore",
      `the store in ${JSON.stringify(path)} is damaged: ${what}; restore a backup, or move the directory away to start empty`,
      { cause, details: { path, what } },
    );
  }
}

/** The directory holds something that is not a k8ts store. */
export class ForeignDirectoryError extends StoreError {
  constructor(path: string, what: string) {
    super(
      "ForeignDirectory",
      `${JSON.stringify(path)} is not a k8ts store: ${what}; expected an empty directory or one made by k8ts`,
      { details: { path, what } },
    );
  }
}

/** A later version of k8ts wrote this store. */
export class NewerFormatError extends StoreError {
  constructor(path: string, found: number, known: number) {
    super(
      "NewerFormat",
      `the store in ${JSON.stringify(path)} has format ${found}, this k8ts reads up to ${known}: use the newer k8ts`,
      { details: { path, found, known } },
    );
  }
}

/** Another living process has the store open. */
export class StoreLockedError extends StoreError {
  constructor(path: string, pid: number | undefined) {
    const holder = pid === undefined ? "another process" : `process ${pid}`;
    super("StoreLocked", `the store in ${JSON.stringify(path)} is in use by ${holder}: stop it first`, {
      details: { path, pid },
    });
  }
}

/** The operating system does not let us open or make the directory or its files. */
export class StoreAccessError extends StoreError {
  constructor(path: string, cause: unknown) {
    super("StoreAccess", `cannot open the store in ${JSON.stringify(path)}`, { cause, details: { path } });
  }
}

/** A remote store could not be reached or lost its quorum. A commit that ends so may or may not have happened. */
export class UnavailableError extends StoreError {
  constructor(action: string, cause?: unknown) {
    super("Unavailable", `cannot ${action}: the store does not answer`, { cause, details: { action } });
  }
}

/** A remote store refused our credentials. */
export class AccessDeniedError extends StoreError {
  constructor(action: string, cause?: unknown) {
    super("AccessDenied", `cannot ${action}: the store refuses our credentials`, { cause, details: { action } });
  }
}
