import type { IndexRecord, Meta, RecordId } from "./record.ts";

/** One version to be written; `value` is absent for deletions and empty values. */
export interface PutRecord {
  readonly id: RecordId;
  readonly record: IndexRecord;
  readonly value: Uint8Array | undefined;
}

/** All that becomes durable at once. */
export interface WriteBatch {
  readonly puts: readonly PutRecord[];
  readonly removes: readonly RecordId[];
  readonly meta?: Meta;
}

/** A record of the index, with where it belongs. */
export interface LocatedRecord extends IndexRecord {
  readonly id: RecordId;
}

/**
 * The disk as the embedded store sees it: records by id, written in atomic, durable batches. Faults come as the errors of
 * `store/errors.ts`. The seam where tests plant theirs.
 */
export interface Database {
  /**
   * Writes all of `batch` or nothing, and resolves once it would survive a power cut. One call at a time; ids of puts are
   * higher than all before. The values must not change meanwhile.
   */
  write(batch: WriteBatch): Promise<void>;

  /** A copy of the value stored under `id`; undefined when there is none. */
  read(id: RecordId): Buffer | undefined;

  /** The index records of revisions from `revision` on (default: all), in order. Consume it without awaiting. */
  records(revision?: number): Iterable<LocatedRecord>;

  meta(): Meta;

  /** How many records there are in the index, and how many values. */
  counts(): { readonly recordCount: number; readonly valueCount: number };

  /** Bytes of the files. */
  size(): number;

  /** After a failed write: makes sure that the database can be written again, opening it anew if need be. */
  recover(): Promise<void>;

  close(): Promise<void>;
}
