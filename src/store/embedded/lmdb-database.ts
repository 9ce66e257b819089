import { chmodSync, statfsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Lmdb from "lmdb";
import { CorruptStoreError, DiskFullError } from "../errors.ts";
import type { Database, LocatedRecord, WriteBatch } from "./database.ts";
import { openFault, writeFault } from "./faults.ts";
import { decodeId, decodeIndexRecord, decodeMeta, encodeId, encodeIndexRecord, encodeMeta } from "./record.ts";
import type { Meta, RecordId } from "./record.ts";

// The CommonJS build loads in two thirds of the time of the ES modules.
const require = createRequire(import.meta.url);

/** Address space, not memory or disk: the file may grow to this. */
const MAP_SIZE = 2 ** 40;
/** What a write leaves free on the disk unless told otherwise, so that the file system and others keep working. */
const RESERVE = 1024 * 1024;
const EIO = 5;
const META_KEY = encodeId({ revision: 0, place: 0 });
const APPEND: Lmdb.PutOptions = { append: true };

type Table = Lmdb.Database<Buffer, Buffer>;

/** lmdb hides what made a commit fail behind a promise that rejects by itself. */
interface CommitFailure extends Error {
  readonly commitError?: Promise<unknown>;
}

/**
 * Records in one lmdb file: table `index` has what is read at start, table `values` the values. lmdb's plain mode is used, where
 * a commit has reached the disk (data, then the meta page) before its promise resolves; its overlapping mode would resolve
 * before that. The transaction is written by a thread of its own.
 */
export class LmdbDatabase implements Database {
  readonly #file: string;
  readonly #reserve: number;
  #root: Lmdb.RootDatabase<Buffer, Buffer>;
  #index: Table;
  #values: Table;

  /**
   * Opens `file`, making it (mode 0600) when it is not there. Throws the errors of the store's catalogue. Writes that would
   * leave less than `reserve` bytes free on the disk are refused; 0: the file system decides.
   */
  constructor(file: string, reserve: number = RESERVE) {
    this.#file = file;
    this.#reserve = reserve;
    [this.#root, this.#index, this.#values] = openTables(file);
  }

  /**
   * Runs `action` while no other process may write or be in an action of its own; what it throws is thrown on. Nothing is
   * written to the database.
   */
  exclusively(action: () => void): void {
    const { ABORT } = require("lmdb") as typeof Lmdb;
    this.#root.transactionSync(() => {
      action();
      return ABORT;
    });
  }

  async write(batch: WriteBatch): Promise<void> {
    this.#checkSpace(batch);
    const misplaced: RecordId[] = [];
    let last: Promise<unknown> = Promise.resolve();
    const append = (table: Table, id: RecordId, key: Buffer, value: Uint8Array): void => {
      const done = table.put(key, value as Buffer, APPEND as unknown as number);
      // Each append answers for itself; its failure is the batch's, which is reported below.
      last = done.then((stored) => stored || misplaced.push(id)).catch(() => undefined);
    };
    const committed = this.#root.batch(() => {
      for (const { id, record, value } of batch.puts) {
        const key = encodeId(id);
        append(this.#index, id, key, encodeIndexRecord(key, record));
        if (value) append(this.#values, id, key, value);
      }
      for (const id of batch.removes) {
        const key = encodeId(id);
        void this.#index.remove(key);
        void this.#values.remove(key);
      }
      if (batch.meta) void this.#index.put(META_KEY, encodeMeta(batch.meta));
    });
    try {
      await committed;
    } catch (error) {
      throw await this.#fault(batch, error);
    }
    await last;
    const [first] = misplaced;
    if (first) throw new CorruptStoreError(this.#file, `revision ${first.revision} is not the newest it holds`);
  }

  read(id: RecordId): Buffer | undefined {
    const key = encodeId(id);
    try {
      let bytes = this.#values.getBinaryFast(key);
      if (!bytes) {
        // The read transaction may be older than the last commit.
        this.#root.resetReadTxn();
        bytes = this.#values.getBinaryFast(key);
      }
      if (!bytes) return undefined;
      // lmdb's buffer is used again by the next read.
      const { length } = bytes;
      const copy = Buffer.allocUnsafe(length);
      bytes.copy(copy, 0, 0, length);
      return copy;
    } catch (error) {
      throw openFault(this.#file, error);
    }
  }

  *records(revision = 1): Generator<LocatedRecord> {
    try {
      for (const { key, value } of this.#index.getRange({ start: encodeId({ revision, place: 0 }) })) {
        yield { id: decodeId(key), ...decodeIndexRecord(key, value) };
      }
    } catch (error) {
      throw openFault(this.#file, error);
    }
  }

  meta(): Meta {
    try {
      const bytes = this.#index.getBinary(META_KEY);
      if (!bytes) throw new CorruptStoreError(this.#file, "its meta record is missing");
      return decodeMeta(bytes);
    } catch (error) {
      throw openFault(this.#file, error);
    }
  }

  counts(): { recordCount: number; valueCount: number } {
    // The meta record is not counted.
    return { recordCount: entriesOf(this.#index) - 1, valueCount: entriesOf(this.#values) };
  }

  size(): number {
    return statSync(this.#file).size;
  }

  async recover(): Promise<void> {
    try {
      // After a failed write of the meta page lmdb refuses every transaction until it is opened anew.
      this.exclusively(() => undefined);
    } catch {
      await this.#root.close();
      [this.#root, this.#index, this.#values] = openTables(this.#file);
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  /**
   * Refuses before lmdb would run into a full disk in the middle of a commit: that is clean either way, but lmdb reports it
   * noisily.
   */
  #checkSpace(batch: WriteBatch): void {
    if (batch.puts.length === 0 || this.#reserve === 0) return;
    if (this.#lacksSpace(batch, this.#reserve)) throw new DiskFullError(this.#file);
  }

  #lacksSpace(batch: WriteBatch, reserve: number): boolean {
    const { bavail, blocks, bsize } = statfsSync(this.#file);
    let needed = reserve;
    for (const { value } of batch.puts) needed += 512 + (value?.length ?? 0) * 2;
    return blocks > 0 && bavail * bsize < needed;
  }

  async #fault(batch: WriteBatch, error: unknown): Promise<unknown> {
    const cause = await causeOf(error);
    // lmdb calls a write that was cut short an input/output error, whatever cut it short.
    const short = (cause as { code?: unknown }).code === EIO && this.#lacksSpace(batch, 64 * 1024);
    return short ? new DiskFullError(this.#file, cause) : writeFault(this.#file, cause);
  }
}

function openTables(file: string): [Lmdb.RootDatabase<Buffer, Buffer>, Table, Table] {
  const { open } = require("lmdb") as typeof Lmdb;
  const options = { keyEncoding: "binary", encoding: "binary" } as const;
  const settings = {
    ...options,
    mapSize: MAP_SIZE,
    maxDbs: 4,
    overlappingSync: false,
    eventTurnBatching: false,
    permissionsMode: 0o600,
  };
  // Batching by turn would make promises inside lmdb that nobody can catch when a commit fails.
  try {
    const root = open<Buffer, Buffer>({ path: file, ...settings });
    try {
      const tables: [Table, Table] = [
        root.openDB({ name: "index", ...options }),
        root.openDB({ name: "values", ...options }),
      ];
      chmodSync(`${file}-lock`, 0o600);
      return [root, ...tables];
    } catch (error) {
      void root.close();
      throw error;
    }
  } catch (error) {
    throw openFault(file, error);
  }
}

function entriesOf(table: Table): number {
  return (table.getStats() as { entryCount: number }).entryCount;
}

/** Waits for the reason that lmdb gives apart from the error, and so keeps it from being an unhandled rejection. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as CommitFailure;
  if (!commitError) return error;
  return commitError.then(
    () => error,
    (cause: unknown) => cause,
  );
}
