import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred, type Deferred } from "../../kit/index.ts";
import type { Database, LocatedRecord, WriteBatch } from "./database.ts";
import type { Meta, RecordId } from "./record.ts";

/** A directory that is gone after the test. */
export function scratchDirectory(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "k8ts-store-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A database whose writes and reads can be held up, failed and counted. */
export class MeddledDatabase implements Database {
  readonly inner: Database;
  readonly writes: WriteBatch[] = [];
  /** Set: writes fail with it, before they reach the disk. */
  failure: Error | undefined;
  /** Changes what is read. */
  onRead: (id: RecordId, value: Buffer | undefined) => Buffer | undefined = (_id, value) => value;
  recoveries = 0;
  #gate: Deferred<void> | undefined;

  constructor(inner: Database) {
    this.inner = inner;
  }

  /** Writes wait from now on until {@link open}. */
  shut(): void {
    this.#gate ??= deferred();
  }

  open(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async write(batch: WriteBatch): Promise<void> {
    await this.#gate?.promise;
    if (this.failure) throw this.failure;
    this.writes.push(batch);
    await this.inner.write(batch);
  }

  read(id: RecordId): Buffer | undefined {
    return this.onRead(id, this.inner.read(id));
  }

  records(revision?: number): Iterable<LocatedRecord> {
    return this.inner.records(revision);
  }

  meta(): Meta {
    return this.inner.meta();
  }

  counts(): { readonly recordCount: number; readonly valueCount: number } {
    return this.inner.counts();
  }

  size(): number {
    return this.inner.size();
  }

  recover(): Promise<void> {
    this.recoveries++;
    return this.inner.recover();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
